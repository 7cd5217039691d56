import unittest

import anthropic
import openai
from google.genai import errors

from clients import anthropic_client, google_client, openai_client

MESSAGES = [{"role": "user", "content": "one"}]


def chat(key):
    with openai_client(key) as client:
        client.chat.completions.create(model="echo", messages=MESSAGES)


def responses(key):
    with openai_client(key) as client:
        client.responses.create(model="echo", input="one")


def messages(key):
    with anthropic_client(key) as client:
        client.messages.create(model="echo", max_tokens=9, messages=MESSAGES)


def gemini(key):
    with google_client(key) as client:
        client.models.generate_content(model="echo", contents="one")


class Keys(unittest.TestCase):
    def test_a_wrong_key_is_each_clients_own_error(self):
        table = [
            (chat, openai.AuthenticationError),
            (responses, openai.AuthenticationError),
            (messages, anthropic.AuthenticationError),
            (gemini, errors.ClientError),
        ]
        for call, error in table:
            with self.subTest(call.__name__), self.assertRaises(error):
                call("revoked-1")

    def test_a_quota_used_up_is_each_clients_own_error(self):
        table = [
            (chat, openai.RateLimitError, "exceeded your current quota"),
            (responses, openai.RateLimitError, "exceeded your current quota"),
            (messages, anthropic.BadRequestError, "credit balance"),
            (gemini, errors.ClientError, "PerDay"),
        ]
        for call, error, words in table:
            with self.subTest(call.__name__), self.assertRaisesRegex(error, words):
                call("spent-1")
