"""No page has a serious fault for people who use a keyboard or a screen reader, nor overflows a small screen."""

import os
from pathlib import Path

from world import Pages

AXE = Path(os.environ["AXE"]).read_text()
SERIOUS = ("serious", "critical")
WIDTHS = (360, 768, 1280, 3840)


class Accessibility(Pages):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        questions = [f"{n}?" for n in range(100)]
        cls.run_id = cls.api.run("hundred", cls.provider, cls.api.dataset("hundred", questions), "lorem+tokens=3+fail=400:0.1")
        cls.paused = cls.api.run("paused", cls.provider, cls.api.dataset("paused", questions), "lorem+ttft=2s")
        cls.browser.until(lambda: cls.api.status(cls.run_id) == "completed", "the run")
        cls.api.request("POST", f"/runs/{cls.paused}/pause")

    def pages(self) -> dict[str, str]:
        run, dataset = self.run_id, self.api.request("GET", f"/runs/{self.run_id}")["dataset_id"]
        return {
            "runs": "/ui/runs", "run": f"/ui/runs/{run}", "paused": f"/ui/runs/{self.paused}",
            "results": f"/ui/runs/{run}/results", "item": f"/ui/runs/{run}/items/3", "log": f"/ui/runs/{run}/log",
            "compare": f"/ui/compare?run={run}&run={self.paused}", "providers": "/ui/providers", "new": "/ui/new",
            "settings": f"/ui/new?dataset={dataset}",
        }

    def test_axe_finds_nothing_serious_in_light_and_dark(self):
        for name, path in self.pages().items():
            for scheme in ("light", "dark"):
                with self.subTest(f"{name}, {scheme}"):
                    self.browser.scheme(scheme)
                    self.open(path)
                    self.assertEqual(self.violations(), [])
            self.picture(f"page-{name}")

    def test_no_page_is_wider_than_its_screen(self):
        for width in WIDTHS:
            self.browser.resize(width, 900)
            for name, path in self.pages().items():
                with self.subTest(f"{name}, {width} px"):
                    self.open(path)
                    wide = self.browser.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
                    self.assertLessEqual(wide, 0)
                if width == WIDTHS[0]:
                    self.picture(f"small-{name}")
        self.browser.resize(1280, 900)

    def violations(self) -> list[str]:
        """Returns the serious faults of the page that is open, with what has them."""
        self.browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE})
        script = "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((found) => done(found.violations))"
        found = self.browser.driver.execute_async_script(script)
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]
