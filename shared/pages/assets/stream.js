// Events of all runs, and calls that are made at most once in a while.

// Calls `act` soon after each call of the result, at most once in `ms`, and never twice at a time.
export function paced(act, ms) {
  let busy = false;
  let again = false;
  return async function call() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await act();
    } catch {
      tell(false);
    }
    await new Promise((done) => setTimeout(done, ms));
    busy = false;
    if (again) {
      again = false;
      call();
    }
  };
}

// One stream for all modules of a page, and none while the page is hidden: a browser opens few connections to a server.
const listeners = [];
let source = null;

// Calls `heard` at each event of the run, or of any run, and whenever the stream opens: what happened while it was closed
// is read then.
export function listen(run, heard) {
  listeners.push({ run, heard });
  if (!source) follow();
  else heard();
}

// Ends the stream for good.
export function leave(words) {
  listeners.length = 0;
  source?.close();
  tell(false, words);
}

function follow() {
  source?.close();
  source = null;
  if (document.hidden || listeners.length === 0) return;
  source = new EventSource("/runs/events", { withCredentials: true });
  for (const name of ["run_status", "run_progress"]) source.addEventListener(name, hear);
  source.addEventListener("open", () => {
    tell(true);
    for (const { heard } of listeners) heard();
  });
  source.addEventListener("error", () => tell(false));
}

function hear(event) {
  const { runId } = JSON.parse(event.data);
  for (const { run, heard } of listeners) if (!run || run === runId) heard();
}

document.addEventListener("visibilitychange", follow);

// Fetches a page of ours as a document. Someone who is signed out is sent to the sign-in by a reload.
export async function page(url) {
  const response = await fetch(url, { credentials: "same-origin", headers: { accept: "text/html" } });
  if (response.redirected && new URL(response.url).pathname === "/ui/sign-in") location.reload();
  if (!response.ok) throw new Error(`status ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// Tells whether the page is up to date.
export function tell(isLive, words = "Not connected; trying again.") {
  const connection = document.getElementById("connection");
  if (!connection) return;
  connection.dataset.state = isLive ? "on" : "off";
  connection.textContent = isLive ? "Live" : words;
}
