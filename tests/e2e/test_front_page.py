"""The browser meets the real stack."""

from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage


def test_the_front_page_opens_without_an_error(page: Page) -> None:
    answer = page.goto("/")
    assert answer is not None
    assert answer.status == 200
    expect(page.get_by_role("heading").first).to_be_visible()


def test_the_policy_forbids_inline_scripts(page: Page) -> None:
    answer = page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_front_page_opens_from_another_machine(new_page: NewPage, lan_url: str) -> None:
    page = new_page(base_url=lan_url)
    answer = page.goto("/")
    assert answer is not None
    assert answer.status == 200
    assert page.evaluate("window.isSecureContext") is False
    expect(page.get_by_role("heading").first).to_be_visible()


def test_no_page_is_wider_than_a_small_phone(new_page: NewPage) -> None:
    phone = new_page(viewport={"width": 360, "height": 640}, has_touch=True)
    for path in ("/", "/gallery", "/build", "/compare", "/history", "/mine", "/open", "/sweeps"):
        phone.goto(path)
        expect(phone.get_by_role("navigation").first).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth") == 360, path
