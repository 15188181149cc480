"""Alerts told to people by DingTalk, Feishu, WeCom, e-mail and webhook."""
