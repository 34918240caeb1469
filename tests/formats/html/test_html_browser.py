"""The page in a browser: it asks for nothing, says nothing, runs nothing, fits, and can be read by everybody."""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from msgspec.structs import replace
from page_samples import LARGE, WHOLE
from report_samples import COMPARED, HOSTILE, SAMPLES, hostile
from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.chrome.service import Service

from ops_checks.formats import FORMATS
from ops_checks.pytest_plugin.reports import page_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.needs("chromium")

PHONE, DESKTOP = 320, 1280
PAPER = 718  # A4, less the margins that it has by default
GROUNDS = {"light": "rgb(246, 247, 248)", "dark": "rgb(16, 20, 24)"}
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
#: In one text what browsers, templates and terminals obey, and a long word: one page shows all of it in every field.
DANGEROUS = " ".join(
    [*HOSTILE, "</title></style></svg><script>document.title='x'</script>", "{{ 7*7 }}", "javascript:x()", "w" * 300]
)
PAGES = {
    "everything": WHOLE,
    "without background": replace(WHOLE, background=None),
    "pass": SAMPLES["pass"],
    "errors": SAMPLES["error"],
    "known": COMPARED["one new"],
    "hostile": hostile(DANGEROUS),
}


class Browser(NamedTuple):
    """A browser and the folder of the pages that it is shown."""

    driver: webdriver.Chrome
    folder: Path

    def cdp(self, command: str, **values: object) -> Any:
        """Return what the browser answers to a command of its protocol."""
        return self.driver.execute_cdp_cmd(command, values)

    def show(self, page: str, width: int, scheme: str = "light") -> None:
        """Open a page from its file."""
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.cdp(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width == PHONE
        )
        self.driver.get((self.folder / f"{page}.html").as_uri())

    def run(self, script: str) -> Any:
        """Return what a script of the test returns; no policy of the page holds for it."""
        return self.driver.execute_script(script)

    def picture(self) -> bytes:
        """Return the whole page as it is seen."""
        return base64.b64decode(self.cdp("Page.captureScreenshot", captureBeyondViewport=True)["data"])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return one browser for all tests: its start takes seconds."""
    folder = tmp_path_factory.mktemp("pages")
    for name, report in PAGES.items():
        (folder / f"{name}.html").write_text(FORMATS["html"].render(report), encoding="utf-8")
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.get("about:blank")
    driver.get_log("performance")  # of the page that it opens by itself
    yield Browser(driver, folder)
    driver.quit()


def events(browser: Browser, method: str) -> list[dict[str, Any]]:
    """Return what of one kind happened since the last call."""
    told = [json.loads(each["message"])["message"] for each in browser.driver.get_log("performance")]
    return [each["params"] for each in told if each["method"] == method]


def asked_for(browser: Browser) -> list[str]:
    """Return the addresses that were asked for since the last call."""
    return [each["request"]["url"] for each in events(browser, "Network.requestWillBeSent")]


@cache
def axe() -> str:
    """Return the source of axe-core."""
    return files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")


AXE = """
const done = arguments[arguments.length - 1]
axe.run({resultTypes: ['violations', 'incomplete']}).then(found => {
  const seen = node => !document.querySelector(node.target[0]).closest('.scroll, svg')
  done(found.violations.concat(found.incomplete.map(each => ({...each, nodes: each.nodes.filter(seen)})))
    .filter(each => each.nodes.length).map(each => [each.id, each.nodes[0].html.slice(0, 200)]))
})
"""


def violations(browser: Browser) -> list[tuple[str, str]]:
    """Return what axe-core finds, and what it cannot decide: its rule, and the first place.

    Of a table that scrolls it cannot decide the colours of what is out of sight, of a plot's texts none:
    `test_html_page` holds the style sheet's own to their contrast.
    """
    browser.run(axe())
    return browser.driver.execute_async_script(AXE)


WIDER = """
return [...document.querySelectorAll('*')]
  .filter(e => !e.closest('.scroll *, .unseen') && e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.outerHTML.slice(0, 120))
"""


FITS = "return document.documentElement.scrollWidth <= innerWidth"


@pytest.mark.parametrize(
    ("page", "width", "scheme"),
    [
        ("everything", PHONE, "light"),
        ("everything", DESKTOP, "dark"),
        ("without background", PHONE, "dark"),
        ("pass", DESKTOP, "light"),
        ("errors", PHONE, "light"),
        ("known", DESKTOP, "light"),
        ("hostile", PHONE, "dark"),
        ("hostile", DESKTOP, "light"),
    ],
)
def test_page(browser: Browser, page: str, width: int, scheme: str) -> None:
    """Opened from a file, nothing is asked for or told, nothing runs, and all fits, folded or not."""
    browser.show(page, width, scheme)
    assert asked_for(browser) == [(browser.folder / f"{page}.html").as_uri()]
    assert browser.driver.get_log("browser") == []
    with pytest.raises(NoAlertPresentException):
        _ = browser.driver.switch_to.alert
    assert browser.run("return [document.scripts.length, document.styleSheets.length]") == [0, 1]
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == GROUNDS[scheme]
    assert browser.run(FITS), browser.run(WIDER)
    browser.run("for (const each of document.querySelectorAll('details')) each.open = true")
    assert browser.run(FITS), browser.run(WIDER)


@pytest.mark.parametrize(
    ("page", "width", "scheme"),
    [
        ("everything", PHONE, "light"),
        ("everything", DESKTOP, "dark"),
        ("errors", PHONE, "dark"),
        ("known", DESKTOP, "light"),
    ],
)
def test_everybody_can_read_it(browser: Browser, page: str, width: int, scheme: str) -> None:
    """axe-core finds nothing, in what is folded neither; of the numbers behind the metrics one table is open."""
    browser.show(page, width, scheme)
    browser.run("for (const e of document.querySelectorAll('details:not(article ~ article .numbers)')) e.open = true")
    assert violations(browser) == []


CUT = """
return [...document.querySelectorAll('.groups')].map(e => e.parentElement).filter(e => e.scrollWidth > e.clientWidth)
  .map(e => e.textContent.slice(0, 60))
"""


def test_groups_side_by_side(browser: Browser) -> None:
    """Where two tables of groups stand side by side, neither is cut, with long numbers neither."""
    browser.show("everything", 1100)
    assert browser.run(CUT) == []


OVERLAPPING = """
const box = e => e.getBoundingClientRect()
return [...document.querySelectorAll('svg.area, svg.axis')].flatMap(area => {
  const texts = [...area.children].filter(e => e.tagName === 'text')
  return texts.slice(1).filter((e, at) => {
    const one = box(texts[at]), other = box(e)
    return one.right > other.left && other.right > one.left && one.bottom > other.top + 2 && other.bottom > one.top + 2
  }).map(e => e.textContent)
})
"""
DRAWN = """
return [...document.querySelectorAll('svg[role=img]')].map(area => {
  const box = area.getBoundingClientRect()
  const inside = [...area.querySelectorAll('path, rect, circle')].filter(e => {
    const part = e.getBoundingClientRect()
    return part.width + part.height > 0 && part.left >= box.left - 6 && part.right <= box.right + 6
      && part.top >= box.top - 6 && part.bottom <= box.bottom + 6
  })
  return [Math.round(box.width) > 200, inside.length > 0,
          [...area.querySelectorAll('path, rect, circle')].length - inside.length]
})
"""


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_plots(browser: Browser, width: int) -> None:
    """Every plot is drawn in its frame, as wide as there is room, and no two labels of an axis overlap."""
    browser.show("everything", width)
    drawn = browser.run(DRAWN)
    assert len(drawn) == 3 + 1 + 2 + 1
    assert all(is_wide and is_drawn for is_wide, is_drawn, _ in drawn)
    assert all(outside == 0 for _, _, outside in drawn)
    assert browser.run(OVERLAPPING) == []
    assert browser.run("return getComputedStyle(document.querySelector('line.limit')).stroke") == "rgb(179, 38, 30)"


ALIVE = """<p id=alive style="color: rgb(1, 2, 3)">x</p><img src=x.png>"""


def test_the_policy_is_in_force(browser: Browser) -> None:
    """What a text would need to come alive is forbidden: styles of its own, pictures, scripts."""
    browser.show("everything", DESKTOP)
    events(browser, "")
    browser.run(f"document.body.insertAdjacentHTML('beforeend', `{ALIVE}`)")
    browser.run("const it = document.createElement('script'); it.text = 'document.title = 1'; document.body.append(it)")
    assert browser.run("return getComputedStyle(document.getElementById('alive')).color") != "rgb(1, 2, 3)"
    assert browser.run("return document.title") != "1"
    told = [each["message"] for each in browser.driver.get_log("browser")]
    assert [word for word in ("style", "image", "script") if not any(word in each for each in told)] == []
    assert [each["blockedReason"] for each in events(browser, "Network.loadingFailed")] == ["csp"]


def test_links_in_a_frame_of_pytest_html(browser: Browser) -> None:
    """They lead to sections of the page in the frame, and do not load the page around it into the frame."""
    (browser.folder / "around.html").write_text(f"<title>around</title>{page_frame(WHOLE)}", encoding="utf-8")
    browser.show("around", DESKTOP)
    browser.driver.switch_to.frame(0)
    browser.run("document.querySelector('nav a').click()")
    assert browser.run("return [location.href, document.title === 'around']") == ["about:srcdoc#metrics", False]
    browser.driver.switch_to.default_content()
    assert browser.driver.get_log("browser") == []


def test_without_scripts_it_is_the_same_page(browser: Browser) -> None:
    """A browser that runs no scripts shows the same picture."""
    browser.show("everything", DESKTOP)
    shown = browser.picture()
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    browser.show("everything", DESKTOP)
    without = browser.picture()
    browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert shown == without


def test_on_paper(browser: Browser) -> None:
    """It prints, with the findings that are folded and without the tables of the plots."""
    browser.show("everything", DESKTOP)
    printed = base64.b64decode(browser.cdp("Page.printToPDF", printBackground=False)["data"])
    assert printed.startswith(b"%PDF-")
    browser.cdp("Emulation.setEmulatedMedia", media="print")
    folded = (
        "const e = document.querySelector('section:last-of-type details :not(summary)'); return e.checkVisibility()"
    )
    assert browser.run(folded)
    assert browser.run("return getComputedStyle(document.querySelector('.numbers')).display") == "none"
    browser.cdp("Emulation.setDeviceMetricsOverride", width=PAPER, height=1000, deviceScaleFactor=1, mobile=False)
    assert browser.run(FITS)
    browser.cdp("Emulation.setEmulatedMedia", media="")


def test_by_keyboard(browser: Browser) -> None:
    """What scrolls and what unfolds takes the focus, and links lead to their sections."""
    browser.show("everything", PHONE)
    assert (
        browser.run("return [...document.querySelectorAll('.scroll, summary, a')].filter(e => e.tabIndex < 0).length")
        == 0
    )
    links = "return [...document.querySelectorAll('a')].filter(e => !document.querySelector(e.hash)).length"
    assert browser.run(links) == 0


def test_a_large_page_opens_at_once(browser: Browser) -> None:
    """A thousand findings with all that lies behind them are laid out."""
    (browser.folder / "large.html").write_text(FORMATS["html"].render(LARGE), encoding="utf-8")
    browser.show("large", PHONE)
    assert browser.run("return document.querySelectorAll('table.findings tbody tr').length") >= 1000
    assert browser.run(FITS), browser.run(WIDER)
    assert browser.driver.get_log("browser") == []
