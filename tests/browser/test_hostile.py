"""Answers of models are text, whatever they hold."""

from servers import HOSTILE
from world import Pages

# How the page makes it visible that the direction of writing was to be turned.
TURNED = "\u202e"


class Hostile(Pages):
    def test_markup_escapes_and_turned_writing_are_shown_as_text_everywhere(self):
        browser = self.browser
        run = self.ended(self.run_of(HOSTILE[:60], "echo", [HOSTILE, "12"]))
        other = self.ended(self.run_of("other", "echo", [HOSTILE, "13"]))
        pages = [
            "/ui/runs", f"/ui/runs/{run}", f"/ui/runs/{run}/results", f"/ui/runs/{run}/results?text=%3Cscript",
            f"/ui/runs/{run}/items/0", f"/ui/runs/{run}/log", f"/ui/compare?run={run}&run={other}",
            f"/ui/new?dataset={self.api.request('GET', f'/runs/{run}')['dataset_id']}",
        ]
        for page in pages:
            with self.subTest(page):
                self.open(page)
                self.assertNotIn("owned", browser.driver.title.replace(HOSTILE[:60], ""))
                self.assertEqual(browser.all("main script, main img[src='x']"), [])
                self.assertNotIn(TURNED, browser.text())
                self.assertNotIn("\x1b", browser.text())
        self.open(f"/ui/runs/{run}/items/0")
        self.assertIn("<script>document.title='owned'</script></textarea>", browser.text("main"))
