"""Serves a model that knows one sentence by LitServe's OpenAI specification: PORT."""

import sys
import time

import litserve


class Sentence(litserve.LitAPI):
    def setup(self, device):
        self.words = "Hello ! I am here to help with any kind of question .".split(" ")

    def predict(self, request):
        question = str(request.messages[-1].content)
        if "fail" in question:
            raise RuntimeError("the model has no weights")
        slow = "slowly" in question
        for word in self.words * (8 if slow else 1):
            time.sleep(0.03 if slow else 0)
            yield word + " "


if __name__ == "__main__":
    server = litserve.LitServer(Sentence(spec=litserve.OpenAISpec()), accelerator="cpu", track_requests=False)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
