// Keeps the regions of a page up to date: at events, or regularly.
import { morph } from "./morph.js";
import { leave, listen, page, paced, tell } from "./stream.js";

const main = document.getElementById("main");
const { live, url, run } = main.dataset;

const update = paced(async () => {
  const fresh = await page(url);
  for (const region of main.querySelectorAll("[data-region]")) {
    const found = fresh.getElementById(region.id);
    if (found) morph(region, found);
  }
  if (live === "regular") tell(true);
  // Nothing comes any more.
  else if (!fresh.getElementById("main").dataset.live) leave("The run has ended.");
}, 1000);

if (live === "events") listen(run, update);
else setInterval(() => document.hidden || update(), 2000);
