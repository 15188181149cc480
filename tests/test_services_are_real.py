"""The databases the other tests use are the real ones."""

from __future__ import annotations

import pytest
import redis
from sqlalchemy import create_engine, text


@pytest.mark.postgres
def test_postgres_answers_with_its_version(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        assert "PostgreSQL" in connection.execute(text("SELECT version()")).scalar_one()
    engine.dispose()


@pytest.mark.redis
def test_redis_keeps_a_value_and_runs_a_script(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.set("tide", "gate")
    assert client.eval("return redis.call('get', KEYS[1])", 1, "tide") == b"gate"
    client.close()
