"""The expression language: a typed subset of FEEL (docs/rule-language.md)."""
