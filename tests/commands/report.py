"""The measured jobs as Markdown."""

from datetime import UTC, datetime

from jobs import JOBS, File, Program
from measure import Done

# Characters of a line of a screen that are shown.
WIDTH = 118

Results = dict[str, dict[str, Done]]


def rendered(programs: list[Program], results: Results, rounds: int) -> str:
    measured = "once" if rounds == 1 else f"{rounds} times, and the seconds are medians"
    began = f"Each job was done {measured} ({datetime.now(UTC):%Y-%m-%d})."
    return f"{began}\n\n{table(programs, results)}\n{details(programs, results)}"


def missed(results: Results) -> list[str]:
    """Names the jobs in which runmill needs more steps, or pays more calls, than the better one of the others."""
    faults = []
    for job, by_program in results.items():
        ours, others = by_program.get("runmill"), [done for name, done in by_program.items() if name != "runmill"]
        if ours and others:
            if len(ours.way.steps) > min(len(done.way.steps) for done in others):
                faults.append(f"{job}: runmill needs more steps than the better one")
            if ours.counted.paid > min(done.counted.paid for done in others):
                faults.append(f"{job}: runmill pays more calls than the better one")
    return faults


def table(programs: list[Program], results: Results) -> str:
    head = [line("", *[f"{program.name} {program.version}" for program in programs]), line(*["---"] * (len(programs) + 1))]
    notes: list[str] = []
    body = [line(JOBS[job], *[cell(done, notes) for done in by_program.values()]) for job, by_program in results.items()]
    remarks = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([*head, *body, "", *remarks]) + "\n"


def cell(done: Done, notes: list[str]) -> str:
    said = f"{steps(done)}, {plural(done.counted.paid, 'call')}, {done.seconds:.1f} s"
    if not done.way.remark:
        return said
    if done.way.remark not in notes:
        notes.append(done.way.remark)
    return f"{said} ({notes.index(done.way.remark) + 1})"


def steps(done: Done) -> str:
    commands = plural(done.commands, "command")
    return f"{plural(done.files, 'file')}, {commands}" if done.files else commands


def plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def details(programs: list[Program], results: Results) -> str:
    parts = []
    for job, by_program in results.items():
        parts.append(f"## {JOBS[job]}\n")
        for program in programs:
            if program.name in by_program:
                parts.append(block(program.name, by_program[program.name]))
    return "\n".join(parts)


def block(name: str, done: Done) -> str:
    lines = [f"{name}:", ""]
    for step in done.way.steps:
        typed = f"# write {step.name}" if isinstance(step, File) else f"$ {step.line}"
        lines += [f"    {part}" for part in typed.splitlines()]
    lines += [f"    {said[:WIDTH]}" for said in done.excerpt]
    if done.counted.begun:
        lines.append(f"    # at most {done.counted.in_flight_max} calls in flight, {done.counted.per_second_max} begun in a second")
    return "\n".join(lines) + "\n"
