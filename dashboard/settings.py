"""How Streamlit is set up: look, security, no telemetry. Passed as `config` to `st.App(...).run` by service/serve.py.

Colours and sizes follow docs/design; nothing here reads a file or the environment, so a stray config.toml in the
working directory cannot change what the console is allowed to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboard.theme import DARK, LIGHT, Palette

APP_SCRIPT = Path(__file__).with_name("app.py")
"""The script that st.App runs."""

PAGE_ICON = Path(__file__).with_name("assets") / "mark.png"
"""A local picture: a `:material/` icon would make every browser ask a font host for it."""

LOGO = {
    "light": Path(__file__).with_name("assets") / "logo.png",
    "dark": Path(__file__).with_name("assets") / "logo-dark.png",
}


def _section(name: str, palette: Palette) -> dict[str, Any]:
    values = {
        "primaryColor": palette.accent,
        "backgroundColor": palette.paper,
        "secondaryBackgroundColor": palette.raised,
        "textColor": palette.ink,
        "linkColor": palette.accent,
        "borderColor": palette.line,
        "dataframeBorderColor": palette.line,
        "dataframeHeaderBackgroundColor": palette.raised,
        "greenColor": palette.within,
        "greenTextColor": palette.within,
        "greenBackgroundColor": palette.within_wash,
        "redColor": palette.outside,
        "redTextColor": palette.outside,
        "redBackgroundColor": palette.outside_wash,
        "orangeColor": palette.watch,
        "orangeTextColor": palette.watch_ink,
        "orangeBackgroundColor": palette.watch_wash,
        "grayColor": palette.quiet,
        "grayTextColor": palette.quiet,
        "grayBackgroundColor": palette.quiet_wash,
        "blueColor": palette.accent,
        "blueTextColor": palette.accent,
        "codeTextColor": palette.ink,
        "codeBackgroundColor": palette.raised,
        "chartCategoricalColors": list(palette.series),
    }
    out = {f"theme.{name}.{key}": value for key, value in values.items()}
    out[f"theme.{name}.sidebar.backgroundColor"] = palette.raised
    out[f"theme.{name}.sidebar.secondaryBackgroundColor"] = palette.paper
    return out


STREAMLIT_CONFIG: Mapping[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    # "Clear filters" sets what a filter's address had set: meant so, and no warning to a reader.
    "global.disableWidgetStateDuplicationWarning": True,
    "runner.magicEnabled": False,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 20,
    "server.runOnSave": False,
    "server.showEmailPrompt": False,
    "server.trustedUserHeaders": {"X-Bailiwick-User": "name"},
    "theme.font": "sans-serif",
    "theme.baseFontSize": 15,
    "theme.baseRadius": "6px",
    "theme.buttonRadius": "6px",
    "theme.headingFontSizes": ["1.5rem", "1.3rem", "1.15rem", "1rem", "0.95rem", "0.95rem"],
    "theme.headingFontWeights": [600, 600, 600, 600, 600, 600],
    "theme.linkUnderline": False,
    "theme.metricValueFontSize": "1.5rem",
    "theme.metricValueFontWeight": 600,
    "theme.paddingTop": "1rem",
    "theme.paddingBottom": "3rem",
    "theme.showSidebarBorder": True,
    "theme.showWidgetBorder": True,
    **_section("light", LIGHT),
    **_section("dark", DARK),
}
"""Address and port are service/serve.py's to add; the cookie secret comes from the environment."""
