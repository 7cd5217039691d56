// Shows the values of a chart under the pointer. They are read from the lines themselves.

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

document.addEventListener("pointermove", (event) => {
  const svg = event.target.closest?.(".plot svg");
  for (const old of document.querySelectorAll(".cursor, .tip")) {
    if (!svg || old.parentElement !== svg.parentElement) old.remove();
  }
  if (svg) show(svg, event.clientX);
});

function show(svg, clientX) {
  const plot = svg.parentElement;
  const box = svg.getBoundingClientRect();
  const spans = svg.viewBox.baseVal.width;
  const at = Math.min(spans - 1, Math.max(0, Math.floor(((clientX - box.left) / box.width) * spans)));
  const values = [...svg.querySelectorAll("path.line")].reverse().map((path) => valueAt(path, at, Number(svg.dataset.top)));
  const names = [...plot.parentElement.querySelectorAll(".legend li")].map((entry) => entry.childNodes[1].textContent.trim());
  const left = box.left - plot.getBoundingClientRect().left + ((at + 0.5) / spans) * box.width;
  part(plot, "cursor").style.left = `${left}px`;
  const tip = part(plot, "tip");
  const told = names
    .slice(0, values.length)
    .map((name, n) => `${name} ${values[n] === null ? "–" : number.format(values[n])}`);
  tip.textContent = [clock(svg.dataset, at / spans), ...told].join(" · ");
  const room = plot.clientWidth - left;
  tip.style.left = room > tip.offsetWidth + 12 ? `${left + 8}px` : `${left - tip.offsetWidth - 8}px`;
}

// Returns the time of day, in UTC, after a share of the chart's time.
function clock({ from, to }, share) {
  const second = Number(from) + share * (Number(to) - Number(from));
  return new Date(second * 1000).toISOString().slice(11, 19);
}

function valueAt(path, at, top) {
  const point = path.getAttribute("d").match(new RegExp(`(?:^|[ML])${at}\\.5 ([\\d.]+)`));
  return point ? (1 - Number(point[1]) / 100) * top : null;
}

function part(plot, name) {
  const found = plot.querySelector(`.${name}`);
  if (found) return found;
  const made = document.createElement("div");
  made.className = name;
  made.setAttribute("aria-hidden", "true");
  plot.append(made);
  return made;
}
