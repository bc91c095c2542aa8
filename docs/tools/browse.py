"""Opens every page of a built site in headless Chromium, as a reader on a desk and on a phone.

    python -m docs.tools.browse site --shots shots   needs Chromium and the extra `browse`

Each page is opened at two widths in the light and the dark theme, from files, so that nothing can
come from a server. It fails on a message on the console, on a request that leaves the site, on a
page that is wider than its window, on text with little contrast, and when the search finds nothing.
"""

import argparse
import itertools
import json
import shutil
import sys
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

SIZES = {"desk": (1280, 900), "phone": (390, 844)}
THEMES = {"light": "default", "dark": "slate"}  # what the system asks for, what the page becomes
CONTRAST = 4.5  # of text to what is behind it; WCAG 2.2, level AA, 1.4.3

# Lowest contrast of the text of code, paragraphs, lists, tables and links, with what is behind it.
MEASURE = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true})
const kept = (read, known = new Map()) => key => {  // a page has thousands of words in few colours
  if (!known.has(key)) known.set(key, read(key))
  return known.get(key)
}
const rgba = kept(text => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1)
  return [...canvas.getImageData(0, 0, 1, 1).data]
})
const light = color => {
  const [r, g, b] = color.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
const over = (top, under) =>
  [0, 1, 2].map(i => top[i] * top[3] / 255 + under[i] * (1 - top[3] / 255)).concat(255)
const behind = kept(element => element === null ? [255, 255, 255, 255] :
  over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement)))
let lowest = [99, ""]
const prose = "article :is(p, li, td, th, a:not(.headerlink))"  // that link is not seen at rest
for (const element of document.querySelectorAll("pre code, pre code span, code, " + prose)) {
  if (![...element.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue
  const back = behind(element)
  const a = light(over(rgba(getComputedStyle(element).color), back)), b = light(back)
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
  if (ratio < lowest[0]) lowest = [ratio, element.textContent.trim().slice(0, 40)]
}
return lowest
"""


def start(size: str, theme: str) -> webdriver.Chrome:
    """Return a headless Chromium that tells what it asks for and what it complains about.

    It is a new reader, who has not chosen a theme: the system asks for one.
    """
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver") or "")
    driver = webdriver.Chrome(options=options, service=service)
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    return driver


def requests(driver: webdriver.Chrome) -> list[str]:
    """Return the addresses that were asked for since the last call."""
    events = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def look(driver: webdriver.Chrome, page: Path, site: Path, scheme: str) -> list[str]:
    """Open a page; return what is wrong with it."""
    driver.get(page.as_uri())
    allowed = (site.as_uri() + "/", "data:", "blob:", "about:")
    found = [f"console: {entry['message']}" for entry in driver.get_log("browser")]
    found += [f"asks for {url}" for url in requests(driver) if not url.startswith(allowed)]
    wide = driver.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if wide > 0:
        found.append(f"is {wide} pixels wider than its window")
    shown = driver.execute_script("return document.body.dataset.mdColorScheme")
    if shown != scheme:
        found.append(f"is in the theme {shown}, not {scheme}")
    contrast, text = driver.execute_script(MEASURE)
    if contrast < CONTRAST:
        found.append(f"contrast {contrast:.2f} at {text!r}")
    return found


def search(driver: webdriver.Chrome, site: Path, words: str) -> int:
    """Type words into the search of the first page; return how many pages are found."""
    driver.get((site / "index.html").as_uri())
    field = driver.find_element(By.CSS_SELECTOR, "input.md-search__input")
    driver.execute_script("arguments[0].focus()", field)
    field.send_keys(words + Keys.SPACE)
    results = (By.CSS_SELECTOR, ".md-search-result__item")
    WebDriverWait(driver, 20).until(lambda browser: browser.find_elements(*results))
    return len(driver.find_elements(*results))


def main() -> None:
    parser = argparse.ArgumentParser(description="Open the pages of a built site in Chromium.")
    parser.add_argument("site", type=Path)
    parser.add_argument("--shots", type=Path, help="a folder for pictures of what was seen")
    parser.add_argument("--only", default="", help="pages whose path contains this")
    options = parser.parse_args()
    site = options.site.resolve()
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    names = [name for name in names if options.only in name and name != "404.html"]
    if not names:  # 404.html is for a server, which shows it in the place of others
        parser.error(f"no page of {site} has {options.only!r} in its path")
    failures = 0
    for size, (theme, scheme) in itertools.product(SIZES, THEMES.items()):
        with start(size, theme) as driver:
            for name in names:
                for wrong in look(driver, site / name, site, scheme):
                    failures += 1
                    print(f"{name}, {size}, {theme}: {wrong}", flush=True)
                if options.shots:
                    options.shots.mkdir(parents=True, exist_ok=True)
                    shot = name.replace("/", "-").replace(".html", f"-{size}-{theme}.png")
                    driver.save_screenshot(str(options.shots / shot))
            print(f"{size}, {theme}: the search finds {search(driver, site, 'dropout')} pages")
    print(f"{len(names)} pages, {len(SIZES)} sizes, {len(THEMES)} themes: {failures} failures")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
