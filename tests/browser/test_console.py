"""The console in a real browser: layout, order, live, keys, themes, no JavaScript, its policy held."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import faults
from tests.browser.conftest import foreign
from tests.console.order import Order
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

PAGES = [
    "/services",
    "/services/orders",
    "/map",
    "/traces",
    "/trace/{trace}",
    "/logs",
    "/c/{id}",
    "/settings",
]


def fill(path: str, order: Order) -> str:
    return path.format(trace=order.trace_id, id=order.correlation_id)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_fits_its_window_and_keeps_the_policy(
    browser: Browser, console: Console, order: Order, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.extend(foreign(request)))
    for path in PAGES:
        page.goto(console.pages + fill(path, order))
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (
            f"{path} is wider than the window"
        )
        assert brightness(page) < 0.2 if scheme == "dark" else brightness(page) > 0.8
    context.close()
    assert not trouble


def brightness(page: Page) -> float:
    """Of the page's ground, 0 to 1."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
    return (red + green + blue) / 765


def test_the_trace_list_is_one_click_and_one_tab_from_a_trace(
    page: Page, console: Console, order: Order
) -> None:
    page.goto(f"{console.pages}/traces?correlation_id={order.correlation_id}")
    cell = page.locator("tbody tr .took").first.bounding_box()
    assert cell
    page.mouse.click(cell["x"] + 5, cell["y"] + 5)
    page.wait_for_url(f"**/trace/{order.trace_id}")
    page.go_back()
    page.locator("tbody a.cover").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/trace/{order.trace_id}")


def test_the_printed_url_lets_this_browser_in_and_live_goes_on(page: Page) -> None:
    with running("--memory", "--token") as console:
        page.goto(f"{console.pages}/?token={console.token}")
        assert page.url == f"{console.pages}/services"
        page.goto(f"{console.pages}/traces")
        sent = console.post(
            "/v1/traces",
            json.dumps(traces("live", span(trace_id(), span_id(), "first light"))).encode(),
            {"Authorization": f"Bearer {console.token}"},
        )
        assert sent.status == 200
        expect(page.locator("tbody tr")).to_contain_text("first light", timeout=6_000)
        assert page.evaluate("document.cookie") == ""


def test_another_browser_is_told_where_the_token_is(browser: Browser) -> None:
    with running("--memory", "--token") as console:
        page = browser.new_page()
        page.goto(f"{console.pages}/traces")
        expect(page.locator("h1")).to_contain_text("asks for its token")
        assert not faults(page)
        page.close()


def test_everything_but_live_and_keys_works_without_javascript(
    browser: Browser, console: Console, order: Order
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{console.pages}/traces")
    page.locator(".filter summary", has_text="More").click()
    page.locator("input[name=correlation_id]").fill(order.correlation_id)
    page.locator(".filter button").click()
    page.locator("tbody a.cover").click()
    page.wait_for_url(f"**/trace/{order.trace_id}")
    page.locator("tr.log a.row", has_text="mail could not be sent").click()
    expect(page.locator("#pane .stack")).to_be_visible()
    page.locator("#pane dd a", has_text=order.correlation_id).first.click()
    page.wait_for_url(f"**/c/{order.correlation_id}")
    context.close()


def test_hostile_telemetry_runs_nothing(page: Page, console: Console) -> None:
    trace, one = trace_id(), span_id()
    payloads = ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "\"' onmouseover=alert(1) x='"]
    page.on("dialog", lambda dialog: pytest.fail(f"a script of the telemetry ran: {dialog.message}"))
    for payload in payloads:
        hostile = attributes({payload: payload, "correlation_id": payload})
        console.send("/v1/traces", traces(payload, span(trace, span_id(), payload, one, attributes=hostile)))
        console.send("/v1/logs", logs(payload, log(payload, traceId=trace, attributes=hostile)))
    for path in (f"/trace/{trace}", "/traces", f"/logs?trace_id={trace}"):
        page.goto(console.pages + path)
        for summary in page.locator("summary").all():
            if summary.is_visible():
                summary.click()
        assert page.locator("main img, main script").count() == 0


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const channels = colour => {
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(byte => byte / 255);
  };
  const linear = part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const luminance = colour => {
    const [red, green, blue] = channels(colour).map(linear);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const token = (name, hue) => {
    const probe = document.createElement('i');
    probe.className = hue; probe.style.color = `var(${name})`; document.body.append(probe);
    const colour = getComputedStyle(probe).color; probe.remove();
    return colour;
  };
  const ratio = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const found = {};
  for (const name of ['--text', '--muted', '--faint', '--accent', '--bad', '--warn', '--good'])
    for (const ground of ['--card', '--ground', '--raised'])
      found[name + ground] = ratio(token(name), token(ground));
  for (const name of ['--accent', '--bad', '--warn', '--good'])
    found[name + '-soft'] = ratio(token(name), token(name + '-soft'));
  for (const ground of ['--card', '--ground'])
    found['--edge x 1.5' + ground] = 1.5 * ratio(token('--edge'), token(ground));
  for (let hue = 0; hue < 12; hue++) {
    const name = `hue-${hue}`;
    found[`${name} name`] = ratio(token('--service-ink', name), token('--service-tint', name));
    found[`${name} bar x 1.5`] = 1.5 * ratio(token('--service', name), token('--card'));
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_a_contrast_of_4_5_and_bars_of_3(page: Page, console: Console, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{console.pages}/traces")
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) == 51
    assert not {name: ratio for name, ratio in ratios.items() if ratio < 4.5}
