"""What all tests of the pages share: a browser, a server with a provider, and a connection between them that can break."""

import os
import unittest
from contextlib import ExitStack
from pathlib import Path

from browser import Browser
from connection import relayed
from servers import ADMIN, programs

PICTURES = os.environ.get("PICTURES")


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with ExitStack() as stack:
            cls.api, cls.provider, cls.log = stack.enter_context(programs())
            cls.relay = stack.enter_context(relayed(cls.api.url))
            cls.browser = Browser()
            stack.callback(cls.browser.quit)
            cls.addClassCleanup(stack.pop_all().close)
        cls.url = cls.relay.url
        cls.browser.sign_in(cls.url, ADMIN)

    def tearDown(self) -> None:
        """No page does what its policy forbids, whatever the test was about."""
        self.assertEqual(self.browser.faults(), [])
        self.assertNotIn("pages.policy_violated", self.log.read_text())

    def run_of(self, name: str, model: str, questions: list[str], **config: object) -> str:
        return self.api.run(name, self.provider, self.api.dataset(name, questions), model, **config)

    def ended(self, run: str, status: str = "completed") -> str:
        self.browser.until(lambda: self.api.status(run) == status, f"{run}: {status}")
        return run

    def open(self, path: str) -> None:
        self.browser.open(self.url + path)

    def picture(self, name: str) -> None:
        """Writes pictures of the page that is open, in light and dark, if they are asked for."""
        if not PICTURES:
            return
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme)
            self.browser.driver.save_screenshot(str(folder / f"{name}-{scheme}.png"))
        self.browser.scheme("light")
