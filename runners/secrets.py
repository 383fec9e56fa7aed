"""Secrets never reach the record: what looks like one is masked before anything is written."""

import re

MASK = "[masked]"
_TOKENS = re.compile(
    r"hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}"
    r"|xox[a-z]-[\w-]{10,}|AKIA[A-Z0-9]{12,}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|npm_[A-Za-z0-9]{16,}"
    r"|\b[0-9a-f]{40}\b(?=.*wandb)"
)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_ASSIGNED = re.compile(r"(?i)((?:key|token|secret|password|passwd|credentials?)\s*[=:]\s*)(?!\[masked\])[^\s&;,]+")
_SECRET_NAME = re.compile(r"(?i)key|token(?!izers)|secret|passw|credential|auth")


def mask(text: str) -> str:
    """`text` with access tokens, credentials in addresses, and values of `key=…` or `password: …` masked."""
    return _ASSIGNED.sub(rf"\1{MASK}", _TOKENS.sub(MASK, without_credentials(text)))


def without_credentials(address: str) -> str:
    """An address without the user and password in it: `https://me:pw@host/x` becomes `https://host/x`."""
    return _CREDENTIALS.sub("", address)


def names_secret(name: str) -> bool:
    """Whether a variable of this name is likely to hold a secret."""
    return _SECRET_NAME.search(name) is not None
