"""Who a browser is: a signed id and a name that is only text."""

from typing import Any

import pytest
from django.test import Client

from simulations import visitors

ODD = 'Zoë 王小明 ~:;="%'


def test_a_cookie_carries_id_and_name() -> None:
    for name in ("", "Ann", ODD, "王" * visitors.NAME_MAX):
        value = visitors.cookie_value("f" * 32, name)
        assert visitors.read_visitor(value) == ("f" * 32, name)
        assert value.isascii()
        assert not set(value) & set(' ";,\\')


def test_what_we_did_not_sign_is_nobody() -> None:
    value = visitors.cookie_value("f" * 32, "Ann")
    for wrong in (None, "", value[:-1], value.replace("Ann", "Bob"), "f" * 32, "x" * 10_000):
        assert visitors.read_visitor(wrong) == ("", "")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("  Ann \t Lee\n", "Ann Lee"),
        ("a\u202eb\x00c\ud800d", "a b c d"),
        ("<i>x</i>", "<i>x</i>"),
        ("x" * 99, "x" * 40),
        (" \u200b ", ""),
    ],
)
def test_a_name_is_one_short_line_of_text(given: str, shown: str) -> None:
    assert visitors.clean_name(given) == shown


@pytest.mark.django_db
@pytest.mark.usefixtures("live_redis")
def test_a_name_is_kept_and_the_id_stays(client: Client) -> None:
    def post(data: Any) -> Any:
        return client.post("/api/name", data, content_type="application/json")

    first = client.get("/api/mine").json()
    assert first["name"] == ""
    assert post({"name": ODD}).json() == {"you": first["you"], "name": ODD}
    assert client.get("/api/mine").json()["name"] == ODD
    assert client.get("/api/mine").json()["you"] == first["you"]
    assert post({"name": ""}).json()["name"] == ""
    assert client.get("/api/mine").json()["name"] == ""
    for wrong, field in (
        ({"name": 5}, "name"),
        ({}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "", "id": 1}, "id"),
    ):
        answer = post(wrong)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
