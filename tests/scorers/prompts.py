"""Ways in which users ask for an answer; the items of a set take turns with them."""

FREEFORM = {
    "plain": "{question}",
    "hashes": "{question}\nReason briefly, and give the final number after ####.",
    "boxed": "{question}\nReason briefly, and put the final number within \\boxed{{}}.",
    "answer": "{question}\nReason briefly. The last line is 'ANSWER: $ANSWER', where $ANSWER is the number.",
    "short": "{question}\nReply with the number alone.",
}

CHOICE = {
    "letter": "{question}\n\n{choices}\n\nReply with the letter of the right choice alone.",
    "answer": "{question}\n\n{choices}\n\nThe last line of your reply is 'ANSWER: $LETTER', where $LETTER is the right one.",
    "plain": "{question}\n\n{choices}\n\nWhich is right?",
}

OPEN = {"open": "{question}\nReply in one sentence."}


def prompts(items: list[dict], ways: dict[str, str]) -> list[dict]:
    """Returns the id of each item, the way in which it is asked, and the prompt."""
    names = list(ways)
    return [
        {"id": item["id"], "way": names[n % len(names)], "prompt": ways[names[n % len(names)]].format(**texts(item))}
        for n, item in enumerate(items)
    ]


def texts(item: dict) -> dict[str, str]:
    choices = (f"{chr(ord('A') + n)}) {choice}" for n, choice in enumerate(item.get("choices", [])))
    return {"question": item["inputs"]["text"], "choices": "\n".join(choices)}
