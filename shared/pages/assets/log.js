// Follows the log of a run. Lines come from the server as HTML, by the number of the last one that is shown: so none is
// lost or shown twice, whatever happens to the connection.
import { listen, page, paced } from "./stream.js";

const LINES_MAX = 2000;

const log = document.getElementById("log");
const list = log.querySelector(".lines");
const pause = document.getElementById("pause");
const follow = document.getElementById("follow");
const state = document.getElementById("log-state");
const main = document.getElementById("main");

let last = Number(log.dataset.last);
let paused = false;

const read = paced(async () => {
  while (!paused) {
    const source = new URL(log.dataset.source, location.href);
    source.searchParams.set("after", last);
    const part = (await page(source)).querySelector(".lines");
    const reached = Number(part.dataset.last);
    if (reached <= last) return;
    last = reached;
    append([...part.children]);
  }
}, 500);

function append(lines) {
  list.append(...lines.map((line) => document.importNode(line, true)));
  const surplus = list.children.length - LINES_MAX;
  for (let n = 0; n < surplus; n += 1) list.firstElementChild.remove();
  if (follow.checked) log.scrollTop = log.scrollHeight;
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  state.textContent = paused ? "Paused" : "";
  if (!paused) read();
});

// Who scrolls up wants to read; who scrolls to the end wants to follow.
log.addEventListener("scroll", () => {
  follow.checked = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
});
follow.addEventListener("change", () => {
  if (follow.checked) log.scrollTop = log.scrollHeight;
});

pause.hidden = false;
document.getElementById("follow-label").hidden = false;
log.scrollTop = log.scrollHeight;
if (main.dataset.live) listen(main.dataset.run, read);
