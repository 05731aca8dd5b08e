"""The page of ``payport report`` in a real browser: alone, on any screen, in both colours, on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.support.measured import FIRST, LAST, month

from payport.sdk.report.from_scorecards import scorecard_sections
from payport.sdk.report.html import page as html_page
from payport.sdk.report.parts import Report
from payport.sdk.scorecards import Thresholds

WIDTHS = {"phone": 360, "tablet": 768, "desk": 1440}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A month of three partners as a file on disk."""
    report = Report(
        title="Payment partners",
        first=FIRST,
        last=LAST,
        time_zone="UTC",
        made_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
        library="1.0",
        sections=scorecard_sections(month(), month(), Thresholds(), FIRST, LAST),
    )
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html_page(report), "utf-8")
    return path.as_uri()


class Watched:
    """A page, what it asked for, and what it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@pytest.fixture(params=list(WIDTHS))
def watched(request: pytest.FixtureRequest, browser: Browser, url: str) -> Iterator[Watched]:
    """The page at each width."""
    context = browser.new_context(viewport={"width": WIDTHS[str(request.param)], "height": 800})
    watched = Watched(context.new_page())
    watched.page.goto(url)
    yield watched
    context.close()


def test_no_request_leaves_the_page(watched: Watched, url: str) -> None:
    """Not even for an icon; and nothing in it is against its own policy."""
    watched.page.mouse.wheel(0, 10_000)
    assert watched.requests == [url]
    assert watched.complaints == []


def test_nothing_sticks_out_at_any_width(watched: Watched) -> None:
    """Wide tables scroll by themselves; the page does not."""
    wide = watched.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0
    out = watched.page.evaluate(
        """() => [...document.querySelectorAll("h1,h2,h3,h4,strong,figure,.card,.badge,dd")]
            .filter(each => !each.closest(".wide"))
            .map(each => [each.textContent.slice(0, 30), each.getBoundingClientRect()])
            .filter(([_, box]) => box.left < 0 || box.right > document.documentElement.clientWidth + 0.5)
            .map(([text, _]) => text)"""
    )
    assert out == []


def test_labels_below_the_charts_do_not_touch(watched: Watched) -> None:
    """Of times and of days, on a phone too."""
    close = watched.page.evaluate(
        """() => [...document.querySelectorAll(".below")].flatMap(row => {
            const boxes = [...row.children].map(each => each.getBoundingClientRect());
            return boxes.slice(1).filter((box, at) => box.left < boxes[at].right + 2).map(box => box.left);
        })"""
    )
    assert close == []


def test_every_verdict_is_told_in_words(watched: Watched) -> None:
    """Colour alone tells nothing to one reader in twelve, nor to a printer."""
    texts = set(watched.page.locator(".card > .head .badge").all_inner_texts())
    assert {re.sub(r"^\W+", "", text).strip() for text in texts} == {"meets", "misses", "not enough data"}


def test_charts_are_drawn(watched: Watched) -> None:
    """Shapes with a height, as many distributions as partners, what was too slow in its own colour."""
    page = watched.page
    assert page.locator("figure.distribution").count() == 3
    heights = page.evaluate(
        """() => [...document.querySelectorAll("figure rect")].map(each => each.getBoundingClientRect().height)"""
    )
    assert len(heights) > 100
    assert max(heights) > 100
    assert page.locator("rect.slow").count() > 0
    assert page.locator(".interval rect.bounds").count() == 9


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_both_colours(browser: Browser, url: str, scheme: str) -> None:
    """Each text has a contrast of 4.5 to what is behind it (WCAG 2.2, level AA)."""
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(url)
    poor = page.evaluate(_POOR_CONTRAST)
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()
    assert poor == []
    assert (sum(map(int, re.findall(r"\d+", back))) < 200) is (scheme == "dark")


def test_it_prints_on_a_few_sheets(browser: Browser, url: str) -> None:
    """White, without the links, no card torn apart: a file that can be kept."""
    page = browser.new_page()
    page.goto(url)
    pdf = page.pdf(prefer_css_page_size=True)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    page.close()
    assert pdf.startswith(b"%PDF-")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 6


def test_a_picture_of_it_is_not_empty(watched: Watched) -> None:
    """What a reader sees first has ink in it: many colours, the three of the verdicts among them."""
    picture = watched.page.screenshot(full_page=True)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 50_000


_POOR_CONTRAST = r"""() => {
    const parts = text => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = element => {
        for (let each = element; each; each = each.parentElement) {
            const back = parts(getComputedStyle(each).backgroundColor);
            if (back.length === 3 || back[3] > 0) return back;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!own || element.closest("svg")) continue;
        const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) found.push(element.textContent.trim().slice(0, 40));
    }
    return found;
}"""
