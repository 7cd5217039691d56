// A table of any number of rows, of which at most three parts of a hundred are in the document. All rows have one height,
// so the room of the others is known.
import { page } from "./stream.js";

const PARTS_MAX = 3;

const box = document.getElementById("rows");
const table = box.querySelector("table");
const first = table.tBodies[0];

// Cursors after which the parts begin, as far as they are known, and the parts that are shown.
const cursors = [box.dataset.after ?? ""];
if (box.dataset.next) cursors.push(box.dataset.next);
const heights = [first.offsetHeight];
let shown = [{ number: 0, body: first }];
let busy = false;

const above = spacer(first, "before");
const below = spacer(first, "after");

function spacer(body, side) {
  const space = document.createElement("tbody");
  space.className = "spacer";
  space.append(document.createElement("tr"));
  space.firstElementChild.append(document.createElement("td"));
  space.querySelector("td").colSpan = 9;
  space.setAttribute("aria-hidden", "true");
  body[side](space);
  return space;
}

async function part(number) {
  const source = new URL(box.dataset.source, location.href);
  if (cursors[number]) source.searchParams.set("after", cursors[number]);
  const found = (await page(source)).querySelector("tbody");
  if (found.dataset.next) cursors[number + 1] ??= found.dataset.next;
  return { number, body: document.importNode(found, true) };
}

async function fill() {
  if (busy) return;
  busy = true;
  try {
    while (await step());
  } catch {
    // The next scroll tries again.
  }
  busy = false;
}

// Adds the part that is nearly in sight, if there is one. Returns true if there may be another.
async function step() {
  const margin = box.clientHeight;
  const lastShown = shown.at(-1).number;
  const end = above.offsetHeight + sum(shown.map(({ body }) => body.offsetHeight));
  if (cursors[lastShown + 1] !== undefined && box.scrollTop + box.clientHeight + margin > end) {
    const next = await part(lastShown + 1);
    below.before(next.body);
    heights[next.number] = next.body.offsetHeight;
    shown.push(next);
    if (shown.length > PARTS_MAX) shown.shift().body.remove();
    makeRoom();
    return true;
  }
  if (shown[0].number > 0 && box.scrollTop - margin < above.offsetHeight) {
    const before = await part(shown[0].number - 1);
    above.after(before.body);
    shown.unshift(before);
    if (shown.length > PARTS_MAX) shown.pop().body.remove();
    makeRoom();
    return true;
  }
  return false;
}

function makeRoom() {
  set(above, sum(heights.slice(0, shown[0].number)));
  set(below, sum(heights.slice(shown.at(-1).number + 1)));
}

function set(space, height) {
  space.querySelector("td").style.height = `${height}px`;
}

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

document.getElementById("pager")?.querySelector('[rel="next"]')?.remove();
box.addEventListener("scroll", fill, { passive: true });
fill();
