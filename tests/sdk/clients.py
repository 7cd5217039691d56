"""The official clients, created as their users create them, except for the address."""

import os

import anthropic
import openai
from google import genai
from google.genai import types

ADDRESS = os.environ["GATEWAY"]
LOREM = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et"


def openai_client(api_key: str = "sk-test", **options) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{ADDRESS}/v1", api_key=api_key, **{"max_retries": 0} | options)


def azure_client() -> openai.AzureOpenAI:
    return openai.AzureOpenAI(azure_endpoint=ADDRESS, api_key="azure-test", api_version="2024-10-21", max_retries=0)


def anthropic_client(api_key: str = "sk-ant-test") -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=ADDRESS, api_key=api_key, max_retries=0)


def google_client(api_key: str = "google-test") -> genai.Client:
    return genai.Client(api_key=api_key, vertexai=False, http_options=types.HttpOptions(base_url=ADDRESS))
