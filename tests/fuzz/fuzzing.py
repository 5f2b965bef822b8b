"""One run of schemathesis against a web process."""

import json
import os
import subprocess
import sys

from django.contrib.auth.models import User

from access.tokens import make_token
from tests.api_client import ALL_SCOPES
from tests.web_process import ROOT, WebProcess

#: Ids that are there, by the name of the parameter.
Known = dict[str, list[str]]


def fuzz(web: WebProcess, known: Known, *options: str) -> None:
    """Run schemathesis; fail with its report."""
    token, _ = make_token(User.objects.create(username="fuzzer"), scopes=ALL_SCOPES)
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{web.url}/openapi.json", *options, "--no-color",
         "--header", f"Authorization: Bearer {token}", "--generation-database", "none", "--continue-on-failure"],
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_KNOWN": json.dumps(known)},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{web.log.read_text()}"
