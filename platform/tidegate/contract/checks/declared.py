"""The manifest and the settings: what people read before anything is called."""

from __future__ import annotations

import re

from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import Wrong
from tidegate.contract.registry import check
from tidegate.errors import InputError
from tidegate.services.remotes import accounts

HIDDEN = re.compile(r"secret|password|passwd|private|token\Z|session\Z")


@check(
    "manifest",
    "说明完整、中英双语",
    "the manifest is complete, in Chinese and English",
    serves=False,
    order=0,
)
def manifest(bench: Bench) -> None:
    about = bench.manifest
    if about.id != bench.name:
        raise Wrong(
            f"manifest.yaml 的 id 是 {about.id}, 入口点叫 {bench.name}; 两者应相同。",
            f"The id in manifest.yaml is {about.id}, the entry point is {bench.name}; they must be the same.",
        )
    if about.verified != "live" and not about.verified_note.get("zh"):
        raise Wrong(
            "没有写 verified_note: 用户要知道是对照什么验证的。",
            "verified_note is missing: people must know what it was verified against.",
        )
    for name, one in about.settings.items():
        if (one.secret or one.required) and not (one.help.get("zh") and one.help.get("en")):
            raise Wrong(
                f"设置项 {name} 没有 help: 写明在平台的哪里能找到它。",
                f"The setting {name} has no help: say where on the platform it is found.",
            )


@check("secrecy-declared", "密钥标为 secret", "what is secret is marked so", serves=False, order=1)
def secrecy(bench: Bench) -> None:
    for name, one in bench.manifest.settings.items():
        if HIDDEN.search(name) and not name.endswith(("url", "days")) and not one.secret:
            raise Wrong(
                f"设置项 {name} 像是密钥, 却没有 secret: true, 会明文保存和显示。",
                f"The setting {name} looks like a secret and lacks secret: true; it would be kept and shown in clear.",
            )


@check(
    "settings",
    "缺少或多余的设置项被点名拒绝",
    "a missing or unknown setting is refused by name",
    order=2,
)
def settings(bench: Bench) -> None:
    with bench.stand() as stand:
        given = dict(stand.server.settings)
        required = [
            n for n, one in bench.manifest.settings.items() if one.required and not one.default
        ]
        for name in required:
            _refused(stand, {key: value for key, value in given.items() if key != name}, name)
        _refused(stand, {**given, "no_such_setting": "1"}, "no_such_setting")


def _refused(stand: Stand, given: dict[str, str], name: str) -> None:
    secrets = stand.manifest.secrets
    try:
        accounts.add(
            stand.context, stand.manifest.id, "contract kit", code="refused",
            settings={key: value for key, value in given.items() if key not in secrets},
            secrets={key: value for key, value in given.items() if key in secrets},
        )  # fmt: skip
    except InputError as error:
        stand.heard.note_error(error)
        if error.fields.get("field") == name:
            return
    raise Wrong(
        f"设置项 {name} 缺失或未知时, 没有被点名拒绝。",
        f"The setting {name} was missing or unknown and not refused by its name.",
    )
