#!/usr/bin/env bash
# promptfoo 0.121.20 (npm): of an evaluation that was paused by Ctrl-C and resumed, rows that were in flight at the Ctrl-C
# are stored, but counted neither in the summary nor for the exit status: here a row that failed, so `eval --resume` says
# that all passed and ends with 0. The export has both: the row with `success: false`, and statistics without it.
#
# Seen:
#     not interrupted:        exit status 100, 19 passed, 1 failed
#     interrupted, resumed:   exit status 0, 17 passed, 0 failed
#     rows that are stored:   19 passed, 1 failed
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 PROMPTFOO_CONFIG_DIR=$folder/home
npm install --silent --no-audit --no-fund --ignore-scripts promptfoo@0.121.20
# The model answers with the question after 300 ms, four calls at a time.
cat >model.js <<'JAVASCRIPT'
const { appendFileSync } = require("fs");
module.exports = class {
  id() { return "echo"; }
  async callApi(prompt) {
    appendFileSync("calls", `${prompt}\n`);
    await new Promise((done) => setTimeout(done, 300));
    return { output: prompt };
  }
};
JAVASCRIPT
cat >promptfooconfig.yaml <<'YAML'
prompts: ['{{question}}']
providers: ['file://model.js']
tests: file://tests.csv
defaultTest:
  assert: [{type: equals, value: '{{answer}}'}]
YAML
{ echo question,answer; for n in {1..20}; do echo "q$n,q$([[ $n = 8 ]] && echo 0 || echo "$n")"; done; } >tests.csv

evaluate() {
    touch calls
    node_modules/.bin/promptfoo eval --no-cache --no-progress-bar "$@" >log 2>&1
}
counts() { grep -oE '[0-9]+ (passed|failed)' log | paste -sd, | sed 's/,/, /'; }

status=0
evaluate || status=$?
whole="exit status $status, $(counts)"
rm calls
evaluate &
until [[ -e calls && $(wc -l <calls) -ge 8 ]]; do sleep 0.02; done
kill -INT "$(pgrep -P $! node)"
wait $! || true
status=0
evaluate --resume || status=$?
resumed="exit status $status, $(counts)"
node_modules/.bin/promptfoo export eval latest -o rows.json >log 2>&1
stored=$(node -e '
  const rows = require("./rows.json").results.results;
  const passed = rows.filter((row) => row.success).length;
  console.log(`${passed} passed, ${rows.length - passed} failed`)')
echo "not interrupted:        $whole"
echo "interrupted, resumed:   $resumed"
echo "rows that are stored:   $stored"
[[ $whole = "exit status 100, $stored" && $resumed != "$whole" ]]
