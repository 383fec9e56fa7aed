"""The openai engine against a server that the test starts."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from asd.core.errors import EngineError
from asd.runners.engines.base import Generation, Sampling
from asd.runners.engines.openai import OpenAiEngine
from asd.runners.tasks.base import Problem, Turn

PROBLEMS = [Problem(f"toy/test/{n}", f"{n}+1=", str(n + 1)) for n in range(6)]


class Server(ThreadingHTTPServer):
    """Answers with the words "so 1", counts what happens, and refuses as often as `refusals` says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.requests: list[dict[str, object]] = []
        self.keys: list[str | None] = []
        self.refusals: list[int] = []
        self.underway = self.most = 0
        self.slow_s = 0.0
        self.cut = False
        self.deaf = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.requests.append({**body, "path": self.path})
            server.keys.append(self.headers["Authorization"])
            refusal = server.refusals.pop(0) if server.refusals else None
            server.underway += 1
            server.most = max(server.most, server.underway)
        time.sleep(server.slow_s)
        # Counted as over before its answer goes out: the client may ask again as soon as it has read it.
        with server.lock:
            server.underway -= 1
        if refusal:
            self.refuse(refusal)
        elif body.get("echo"):
            self.echo(body["prompt"])
        else:
            self.answer(self.path.endswith("chat/completions"))

    def refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Retry-After", "0.01")
        self.end_headers()
        self.wfile.write(b'{"error": "no, sk-abcdefghijklmnopqrstuvwx"}')

    def answer(self, chat: bool) -> None:
        self.send_response(200)
        self.end_headers()
        for token, logprob in (("so ", -0.5), ("1", -0.1)):
            self.send({"choices": [chat_piece(token, logprob) if chat else text_piece(token, logprob)]})
        if not self.server.cut:
            self.send({"choices": [{"delta": {}, "text": "", "finish_reason": "stop"}]})
            self.send({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})
            self.wfile.write(b"data: [DONE]\n\n")

    def echo(self, prompt: str) -> None:
        """A character a token, each as likely as its code says; the first has no probability; one more is written."""
        self.send_response(200)
        self.end_headers()
        known = [None, *(-float(ord(character)) for character in prompt[1:]), -0.5]
        if self.server.deaf:
            known = known[-1:]
        logprobs = {"tokens": [*prompt, "!"], "token_logprobs": known, "top_logprobs": None}
        self.send({"choices": [{"text": f"{prompt}!", "logprobs": logprobs, "finish_reason": "length"}]})
        self.send({"choices": [], "usage": {"prompt_tokens": len(prompt), "completion_tokens": 1}})
        self.wfile.write(b"data: [DONE]\n\n")

    def send(self, piece: dict[str, object]) -> None:
        self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


def chat_piece(token: str, logprob: float) -> dict[str, object]:
    top = [{"token": token, "logprob": logprob}, {"token": "x", "logprob": logprob - 2}]
    scored = {"content": [{"token": token, "logprob": logprob, "top_logprobs": top}]}
    return {"delta": {"content": token}, "logprobs": scored, "finish_reason": None}


def text_piece(token: str, logprob: float) -> dict[str, object]:
    top = {token: logprob, "x": logprob - 2}
    scored = {"tokens": [token], "token_logprobs": [logprob], "top_logprobs": [top]}
    return {"text": token, "logprobs": scored, "finish_reason": None}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def engine(server: Server, **settings: object) -> OpenAiEngine:
    return OpenAiEngine.model_validate({"url": server.url, "served": "toy", "pause_s": 0.01, **settings})


def answers(engine: OpenAiEngine, problems: list[Problem]) -> list[Generation]:
    with engine.load() as session:
        return session.generate(session.prompts(problems), Sampling(max_tokens=9, stop=("\n",), seed=3))


@pytest.mark.parametrize("chat", [True, False])
def test_text_tokens_and_log_probabilities_come_out_of_either_kind_of_answer(server: Server, chat: bool) -> None:
    (one,) = answers(engine(server, chat=chat), PROBLEMS[:1])
    assert (one.text, one.finish_reason, one.input_tokens, one.output_tokens) == ("so 1", "stop", 7, 2)
    assert one.logprobs is not None
    assert (one.logprobs.first, one.logprobs.last, one.logprobs.margin_mean) == (-0.5, -0.1, 2.0)


def test_the_times_of_a_sample_add_up(server: Server) -> None:
    for one in answers(engine(server, concurrency=2), PROBLEMS):
        assert one.latency_s is not None
        assert one.queue_s is not None
        assert one.prefill_s is not None
        assert one.decode_s is not None
        assert one.queue_s + one.prefill_s + one.decode_s == pytest.approx(one.latency_s)
        assert one.first_token_s == pytest.approx(one.queue_s + one.prefill_s)
        assert one.busy_s


def test_what_was_asked_is_what_the_server_gets(server: Server) -> None:
    told = Problem("toy/test/9", "9+1=", "10", turns=(Turn("system", "Add."), Turn("user", "9+1")))
    answers(engine(server), [told])
    request = server.requests[0]
    assert request["messages"] == [{"role": "system", "content": "Add."}, {"role": "user", "content": "9+1"}]
    assert (request["max_tokens"], request["stop"], request["seed"], request["temperature"]) == (9, ["\n"], 3, 0.0)


def test_without_chat_the_text_goes_to_completions(server: Server) -> None:
    answers(engine(server, chat=False), PROBLEMS[:1])
    assert (server.requests[0]["path"], server.requests[0]["prompt"]) == ("/v1/completions", "0+1=")


def scored(engine: OpenAiEngine) -> Generation:
    with engine.load() as session:
        (prompt,) = session.prompts([replace(PROBLEMS[0], choices=("a", "bc"))])
        return session.score([replace(prompt, choices=("a", "bc"))])[0]


@pytest.mark.parametrize("chat", [False, True])
def test_choices_are_scored_by_a_server_that_echoes(server: Server, chat: bool) -> None:
    one = scored(engine(server, echo=True, chat=chat))
    assert one.choice_logprobs == (-97.0, -98.0 - 99.0)
    assert (one.text, one.input_tokens, one.output_tokens) == ("a", 4, 3)
    assert sorted(request["prompt"] for request in server.requests) == ["0+1=", "0+1=a", "0+1=bc"]


def test_a_server_that_does_not_echo_is_named(server: Server) -> None:
    server.deaf = True
    with pytest.raises(EngineError, match="echo: false"):
        scored(engine(server, echo=True))


def test_never_more_requests_are_under_way_than_allowed(server: Server) -> None:
    server.slow_s = 0.05
    answers(engine(server, concurrency=2), PROBLEMS)
    assert server.most == 2


def test_a_busy_server_is_asked_again(server: Server) -> None:
    server.refusals = [429, 503]
    (one,) = answers(engine(server), PROBLEMS[:1])
    assert one.text == "so 1"
    assert len(server.requests) == 3


def test_a_server_that_stays_busy_ends_in_an_error_that_names_the_sample(server: Server) -> None:
    server.refusals = [503] * 3
    with pytest.raises(EngineError, match=r"toy/test/0 at toy.*status 503"):
        answers(engine(server, retries=2), PROBLEMS[:1])


def test_a_refusal_is_not_repeated_and_shows_no_key(server: Server) -> None:
    server.refusals = [401]
    with pytest.raises(EngineError, match="status 401") as error:
        answers(engine(server), PROBLEMS[:1])
    assert len(server.requests) == 1
    assert "sk-abc" not in str(error.value)
    assert "\n" not in str(error.value)


def test_an_answer_that_breaks_off_is_asked_for_again_and_never_taken_for_whole(server: Server) -> None:
    server.cut = True
    with pytest.raises(EngineError, match="broke off"):
        answers(engine(server, retries=1), PROBLEMS[:1])
    assert len(server.requests) == 2


def test_a_server_that_is_not_there_ends_in_an_error(server: Server) -> None:
    gone = OpenAiEngine(url="http://127.0.0.1:9/v1", served="toy", retries=1, pause_s=0.01)
    with pytest.raises(EngineError, match="could not be asked"):
        answers(gone, PROBLEMS[:1])


def test_the_key_comes_from_the_environment_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_KEY", "secret")
    asked = engine(server, key_variable="TOY_KEY")
    answers(asked, PROBLEMS[:1])
    assert server.keys == ["Bearer secret"]
    assert "secret" not in asked.model_dump_json()


def test_a_server_without_keys_gets_none(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    answers(engine(server), PROBLEMS[:1])
    assert server.keys == [None]


@pytest.mark.parametrize("url", ["http://me:pw@host/v1", "https://host/v1?api_key=x", "host/v1", "file:///etc/passwd"])
def test_an_address_with_a_secret_or_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        OpenAiEngine(url=url, served="toy")
