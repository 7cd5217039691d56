"""A run from its submission to its comparison, as a person does it."""

from tempfile import TemporaryDirectory
from pathlib import Path

from servers import OBSERVER, ADMIN
from world import Pages

SLOW = "lorem+tokens=8+ttft=200ms"


class Use(Pages):
    def test_a_run_is_submitted_watched_paused_resumed_and_canceled(self):
        browser = self.browser
        with TemporaryDirectory() as folder:
            file = Path(folder) / "sums.csv"
            file.write_text("id,question,answer\n" + "".join(f"s{n},{n} + {n}?,{2 * n}\n" for n in range(2000)))
            self.open("/ui/new")
            self.picture("new-dataset")
            browser.fill("#file", str(file))
            browser.press("Upload")
            browser.until(lambda: "First items" in browser.text(), "the first items")
        self.assertIn("0 + 0?", browser.text())
        browser.choose("#provider", "gateway")
        browser.fill("#model", SLOW)
        browser.fill("#name", "sums")
        browser.press("Estimate")
        browser.until(lambda: browser.all("#tried"), "the estimate")
        self.picture("new-run")
        browser.press("Smoke test")
        browser.until(lambda: "first token" in browser.text("#tried").lower(), "the smoke test")
        browser.press("Start")
        browser.until(lambda: browser.all("#figures"), "the run")
        run = browser.driver.current_url.rsplit("/", 1)[1].split("?")[0]

        # It is seen without a reload.
        browser.driver.execute_script("window.still = true")
        first = browser.text("#figures")
        browser.until(lambda: browser.text("#figures") != first, "newer figures")
        self.assertTrue(browser.driver.execute_script("return window.still"))

        browser.press("Pause")
        browser.until(lambda: "paused" in browser.text("#head").lower(), "the pause")
        self.assertEqual(self.api.status(run), "paused")
        self.picture("run-paused")
        browser.press("Resume")
        browser.until(lambda: "running" in browser.text("#head").lower(), "the run goes on")
        browser.press("Cancel")
        self.ended(run, "canceled")
        browser.until(lambda: "canceled" in browser.text("#head").lower(), "the cancellation")

    def test_a_broken_connection_neither_loses_nor_doubles_a_line_of_the_log(self):
        browser = self.browser
        run = self.run_of("log", "lorem+tokens=4+ttft=100ms+fail=500:0.05", [f"{n}?" for n in range(2000)])
        self.open(f"/ui/runs/{run}/log")
        shown = "return [...document.querySelectorAll('#log li[data-seq]')].map((line) => Number(line.dataset.seq))"
        numbers = lambda: browser.driver.execute_script(shown)
        browser.until(lambda: len(numbers()) > 20, "the first lines")
        for _ in range(3):
            self.relay.cut()
            seen = numbers()[-1]
            browser.until(lambda: browser.driver.execute_script(
                "return document.getElementById('connection').dataset.state") == "off", "the break")
            self.relay.mend()
            browser.until(lambda: numbers()[-1] > seen, "further lines")
        self.ended(run)
        wanted = self.api.events(run)
        browser.until(lambda: numbers()[-1:] == wanted[-1:], "the last line")
        shown = numbers()
        self.assertEqual(shown, wanted[-len(shown):])
        # The page keeps the newest 2,000 lines.
        self.assertGreaterEqual(len(shown), min(len(wanted), 1_990))
        self.picture("log")

    def test_two_runs_are_compared_and_an_item_is_opened(self):
        browser = self.browser
        questions = ["12"] * 6 + ["13"] * 4
        a = self.ended(self.run_of("first", "echo", questions))
        dataset = self.api.request("GET", f"/runs/{a}")["dataset_id"]
        b = self.ended(self.api.run("second", self.provider, dataset, "echo+tokens=3"))
        self.open(f"/ui/compare?run={a}&run={b}")
        self.assertIn("first", browser.text())
        self.assertIn("second", browser.text())
        self.assertRegex(browser.text().lower(), "standard error|±")
        self.picture("compare")
        self.open(f"/ui/runs/{a}/results?score=wrong")
        browser.until(lambda: len(browser.all("#rows tbody:not(.spacer) tr")) == 4, "the wrong answers")
        self.picture("results")
        browser.follow("q7")
        browser.until(lambda: "q7" in browser.text("main"), "the item")
        self.assertIn("13", browser.text("main"))
        self.picture("item")

    def test_an_observer_sees_no_buttons_and_may_not_start_runs(self):
        browser = self.browser
        run = self.ended(self.run_of("seen", "echo", ["12"]))
        browser.sign_in(self.url, OBSERVER)
        try:
            self.open(f"/ui/runs/{run}")
            self.assertEqual([button for button in ("Pause", "Cancel", "Retry failed") if browser.button(button)], [])
            self.open("/ui/new")
            self.assertIn("role", browser.text())
        finally:
            browser.sign_in(self.url, ADMIN)
        # The refused page is an error of the browser's console.
        self.assertTrue(all("403" in fault for fault in browser.faults()))

    def test_a_wrong_token_is_told(self):
        browser = self.browser
        browser.driver.delete_all_cookies()
        self.open("/ui/runs")
        browser.until(lambda: browser.all("#token"), "the sign-in")
        self.picture("sign-in")
        browser.fill("#token", "wrong")
        browser.press("Sign in")
        browser.until(lambda: browser.all("#fault"), "the fault")
        self.assertNotIn("wrong", browser.driver.current_url)
        browser.sign_in(self.url, ADMIN)
        self.assertTrue(all("401" in fault for fault in browser.faults()))
