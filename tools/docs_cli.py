"""Write docs/cli.md from the commands themselves: `python tools/docs_cli.py [check]`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
DUMP = """
import json, sys, click
from tidegate.cli import cli
def walk(command, path):
    if isinstance(command, click.Group):
        here = click.Context(command)
        for name in command.list_commands(here):
            yield from walk(command.get_command(here, name), [*path, name])
        return
    rows = []
    for param in command.params:
        if isinstance(param, click.Option):
            shown = " / ".join([*param.opts, *param.secondary_opts])
            value = "" if param.is_flag else " " + (param.metavar or param.type.name.upper())
            rows.append([shown + value, param.help or ""])
        else:
            rows.append([param.human_readable_name, ""])
    yield {"path": " ".join(path), "help": (command.help or "").strip(), "params": rows}
print(json.dumps(list(walk(cli, ["tidegate"])), ensure_ascii=False))
"""
HEAD = """# Commands and settings

Made from the commands by `tools/docs_cli.py`. `tidegate` is `.venv/bin/tidegate` after `make setup`.

Exit codes: **0** fine · **1** findings, rejections, or nothing found · **2** usage, unreadable input or settings.
`--json` prints one JSON document on stdout; everything else goes to stderr. Errors are one sentence with a stable code, never a traceback.
Texts follow `TIDEGATE_LANGUAGE` (`zh` or `en`).

"""
SETTINGS = """## Settings

From the environment, or from a `.env` file in the current folder (the environment wins). `.env.example` lists them with comments.

| variable | default | meaning |
|---|---|---|
| `TIDEGATE_DATA_DIR` | `var` | folder for the database, label PDFs and secrets |
| `TIDEGATE_DATABASE_URL` | SQLite in the data folder | any PostgreSQL address, `postgresql://user:password@host/database` |
| `TIDEGATE_REDIS_URL` | unset | only [scaled out](running-scaled-out.md): carries ids of jobs; `doctor` checks it |
| `TIDEGATE_SECRETS_KEYS` | `secrets.key` in the data folder | Fernet keys that credentials are sealed with, the newest first, separated by commas ([connections](connections.md)) |
| `TIDEGATE_RULES_DIR` | the packs that ship | a folder with `vocabulary.yaml`, `states.yaml` and packs |
| `TIDEGATE_HOST` | `127.0.0.1` | another address also needs `TIDEGATE_ALLOWED_HOSTS` ([people](people.md)) |
| `TIDEGATE_ALLOWED_HOSTS` | none | names besides loopback that pages answer to, separated by commas; with any, sign-in is required |
| `TIDEGATE_TRUSTED_PROXIES` | `0` | how many proxies in front set `X-Forwarded-*`; with 0 none is believed |
| `TIDEGATE_THREADS` | `32` | requests that one web process answers at once |
| `TIDEGATE_POOL_SIZE` | `16` | database connections kept open by each process; as many more under load |
| `TIDEGATE_STATEMENT_TIMEOUT_S` | `120` | PostgreSQL ends a statement that takes longer; 15 suits processes that only serve pages |
| `TIDEGATE_TRUSTED_HOSTS` | none | hosts inside your network that [webhooks](webhooks.md) may be sent to, `host` or `host:port`, separated by commas |
| `TIDEGATE_LEASE_S` | `60` | a job whose worker was not heard of for so long goes to another |
| `TIDEGATE_PROCESSES` | `2` | processes of `serve` and of `worker` ([scaled out](running-scaled-out.md)) |
| `TIDEGATE_PORT` | `8000` | |
| `TIDEGATE_SECRET_KEY` | made once, kept in the data folder | signs cookies and CSRF tokens |
| `TIDEGATE_LANGUAGE` | `zh` | CLI language, and pages until the reader chooses |
| `TIDEGATE_TIMEZONE` | `Asia/Shanghai` | shop time of the first tenant |
| `TIDEGATE_CURRENCY` | `CNY` | currency of the first tenant |
| `TIDEGATE_LOG_LEVEL` | `INFO` | `DEBUG`, `INFO`, `WARNING`, `ERROR` |
| `TIDEGATE_LOG_STYLE` | `auto` | `json`, `pretty`, or `auto`: pretty at a terminal only |
| `TIDEGATE_METRICS_TOKEN` | none: this machine only | opens `/metrics` to whoever sends it as a bearer token |
| `TIDEGATE_TRACES_URL` | none | OTLP collector over HTTP; needs the extra `otel` ([observability](reliability/observability.md)) |
| `TIDEGATE_SANDBOX_URL` | `run` starts its own | a sandbox carrier started by `tidegate sandbox` |
| `TIDEGATE_PATTERNS` | `durable` | who searches pattern rules: `durable` (durable-rules in a child process, confirmed by our matcher) or `own` |
"""


def commands(language: str) -> list[dict[str, object]]:
    env = {**os.environ, "TIDEGATE_LANGUAGE": language}
    done = subprocess.run(
        [sys.executable, "-c", DUMP], env=env, capture_output=True, text=True, check=True
    )
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def page() -> str:
    parts = [HEAD]
    for en, zh in zip(commands("en"), commands("zh"), strict=True):
        parts.append(f"## `{en['path']}`\n\n{en['help']} · {zh['help']}\n\n")
        parts.append("| option | | |\n|---|---|---|\n")
        for (name, said), (_, said_zh) in zip(en["params"], zh["params"], strict=True):  # type: ignore[call-overload]
            shown = name.replace("|", "\\|")
            parts.append(f"| `{shown}` | {said} | {said_zh} |\n")
        parts.append("\n")
    return "".join(parts) + SETTINGS


def main(check: bool) -> int:
    made = page()
    if check:
        same = PAGE.is_file() and PAGE.read_text("utf-8") == made
        print("docs/cli.md is current" if same else "docs/cli.md is stale: run tools/docs_cli.py")
        return 0 if same else 1
    PAGE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("check" in sys.argv[1:]))
