"""The README's pictures: `make pictures` makes demo data, builds it and runs this.

Belongs here: which pictures there are and how large. Does not: the dashboard.
"""

from pathlib import Path

from dashboard.browser import chromium, visit
from dashboard.serve import running
from orchestration.settings import PROJECT_DIR, Settings

_FOLDER = PROJECT_DIR / "docs" / "pictures"
# Name → path, light or dark, width and height in pixels.
_PICTURES = {
    "sales_light": ("/", "light", 1180, 760),
    "operations_dark": ("/operations", "dark", 1080, 720),
    "pipeline_light": ("/pipeline", "light", 1080, 720),
}


def take_pictures(settings: Settings, folder: Path = _FOLDER) -> list[Path]:
    """Write `<name>.png` for each picture of what is published; return them.

    Raises ConfigurationError when there is no Chromium.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    with running(settings) as address, chromium() as browser:
        for name, (path, scheme, width, height) in _PICTURES.items():
            size = {"width": width, "height": height}
            page = browser.new_page(viewport=size, color_scheme=scheme)
            visit(page, address + path)
            taken.append(folder / f"{name}.png")
            page.screenshot(path=taken[-1], animations="disabled")
            page.close()
    return taken


if __name__ == "__main__":
    take_pictures(Settings.from_env())
