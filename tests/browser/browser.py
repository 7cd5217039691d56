"""A browser, and what people do with it."""

import os
from collections.abc import Callable

from selenium.common.exceptions import NoAlertPresentException, StaleElementReferenceException, TimeoutException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

WAIT_S = 30
# It neither updates itself nor asks its maker anything, and runs as any user.
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-device-scale-factor=1",
)


class Browser:
    def __init__(self) -> None:
        options = ChromeOptions()
        options.binary_location = os.environ["CHROMIUM"]
        for option in OPTIONS:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = Chrome(options, Service(os.environ["CHROMEDRIVER"]))
        self.resize(1280, 900)

    def quit(self) -> None:
        self.driver.quit()

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name: str) -> None:
        """Asks for `light` or `dark` pages."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def open(self, url: str) -> None:
        self.driver.get(url)

    def sign_in(self, url: str, token: str) -> None:
        self.driver.delete_all_cookies()
        self.open(f"{url}/ui/sign-in")
        self.fill("#token", token)
        self.press("Sign in")
        self.until(lambda: "/ui/runs" in self.driver.current_url, "the list of runs")

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def fill(self, selector: str, text: str) -> None:
        field = self.find(selector)
        if field.get_attribute("type") != "file":
            field.clear()
        field.send_keys(text)

    def choose(self, selector: str, text: str) -> None:
        Select(self.find(selector)).select_by_visible_text(text)

    def button(self, text: str) -> WebElement | None:
        found = self.driver.find_elements(By.XPATH, f"//button[normalize-space()='{text}'] | //summary[normalize-space()='{text}']")
        return next((one for one in found if one.is_displayed()), None)

    def press(self, text: str) -> None:
        """Presses a button, once it is there. One that asks for a confirmation gets it."""
        self.until(lambda: self.clicked(self.button(text)), f"the button {text}")
        try:
            self.driver.switch_to.alert.accept()
        except NoAlertPresentException:
            pass

    def follow(self, text: str) -> None:
        links = lambda: self.driver.find_elements(By.PARTIAL_LINK_TEXT, text)
        self.until(lambda: self.clicked(next(iter(links()), None)), f"the link {text}")

    @staticmethod
    def clicked(element: WebElement | None) -> bool:
        """Clicks an element that is there. A live page may replace it before the click."""
        if element:
            element.click()
        return element is not None

    def text(self, selector: str = "body") -> str:
        return self.find(selector).text

    def until(self, condition: Callable[[], object], what: str):
        """Waits until the condition is true. Elements may be replaced while it is looked at."""
        wait = WebDriverWait(self.driver, WAIT_S, poll_frequency=0.05, ignored_exceptions=[StaleElementReferenceException])
        try:
            return wait.until(lambda _: condition())
        except TimeoutException as error:
            raise AssertionError(f"{what} did not come; the page says: {self.text()[:500]}") from error

    def faults(self) -> list[str]:
        """Returns what the browser's console says since the last look, but for connections that broke."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if "net::ERR_" not in entry["message"]]
