"""Opens a page of results, and scrolls through it. Prints how soon it was painted and what it needs then, as JSON.

    scroll.py URL ROWS
"""

import json
import os
import statistics
import sys
import time
import urllib.parse

from browser import Browser

ROUNDS = 7
PAINT = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# Goes to the end of what is loaded.
DOWN = "const box = document.getElementById('rows'); box.scrollTop = box.scrollHeight"
# Counts the parts of a hundred rows that were loaded.
FETCHED = """
const fetch_ = window.fetch; window.parts = 0;
window.fetch = async (...all) => { const answer = await fetch_(...all); if (String(all[0]).includes('/rows')) window.parts += 1; return answer; };
"""


def further(browser: Browser, seen: int) -> int | None:
    """Returns the number of parts if there are more than were seen."""
    parts = browser.driver.execute_script("return window.parts")
    return parts if parts > seen else None


def main() -> None:
    url, rows = sys.argv[1], int(sys.argv[2])
    browser = Browser()
    try:
        site = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url))
        browser.sign_in(site, os.environ["TOKEN"])
        paints = []
        for _ in range(ROUNDS):
            browser.open(url)
            paints.append(browser.until(lambda: browser.driver.execute_script(PAINT), "the first paint"))
        browser.driver.execute_script(FETCHED)
        began, seen = time.monotonic(), 0
        while seen * 100 < rows:
            browser.driver.execute_script(DOWN)
            seen = browser.until(lambda: further(browser, seen), "further rows")
        seconds = time.monotonic() - began
        browser.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        browser.driver.execute_cdp_cmd("Performance.enable", {})
        metrics = {one["name"]: one["value"] for one in browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}
        print(json.dumps({
            "paint_ms": statistics.median(paints), "rounds": ROUNDS, "rows": seen * 100, "seconds": seconds,
            "heap_mb": metrics["JSHeapUsedSize"] / 1e6, "nodes": int(metrics["Nodes"]),
        }))
    finally:
        browser.quit()


main()
