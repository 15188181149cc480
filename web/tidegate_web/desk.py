"""What the views may reach: the one Context of this process, and who is acting."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from tidegate.services.context import Context

KEY = "tidegate"
LOCAL_ACTOR = "local"  # until sign-in exists: whoever sits at this machine


def install(app: Flask, context: Context) -> None:
    app.extensions[KEY] = context


def context() -> Context:
    return cast(Context, current_app.extensions[KEY])


def actor() -> str:
    return LOCAL_ACTOR
