// Makes an element like another one, and keeps what is alike: focus, text that is being typed, and open details survive.

const kept = new Set(["open"]);

export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  morphAttributes(old, fresh);
  const others = [...fresh.childNodes];
  const own = [...old.childNodes];
  others.forEach((other, n) => {
    const partner = partnerOf(own, n, other);
    if (partner) morph(partner, other);
    else old.append(document.importNode(other, true));
  });
  own.slice(others.length).forEach((node) => node.remove());
}

// Rows that have an id are found by it, so that a new row above moves no focus to a neighbour.
function partnerOf(own, n, other) {
  if (other.id) {
    const at = own.findIndex((node, place) => place >= n && node.id === other.id);
    if (at > n) {
      const [found] = own.splice(at, 1);
      own[n].before(found);
      own.splice(n, 0, found);
    }
  }
  return own[n];
}

function morphAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (!kept.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!kept.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}
