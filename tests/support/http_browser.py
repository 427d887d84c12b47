"""A browser without a screen: pages with cookies, whose forms are filled in."""

import html.parser
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request

PAGES_MAX = 12


class Page(html.parser.HTMLParser):
    """The first form of a page with its fields, and its links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.method = "get"
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self.done = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        if tag == "form" and self.action is None:
            self.action = said.get("action", "")
            self.method = said.get("method", "get").lower()
        inside = self.action is not None and not self.done
        if inside and tag in ("input", "button") and "name" in said:
            self.fields.setdefault(said["name"], said.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self.done = self.done or tag == "form"


class Browser:
    def __init__(self, user: str = "ada") -> None:
        self.user = user
        self.seen: list[str] = []
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(jar),
        )

    def get(self, url: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """The page that it leads to, and where that is."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with self.opener.open(url, data, timeout=60) as got:
                text, place = got.read().decode(), got.geturl()
        except urllib.error.HTTPError as refused:
            text, place = refused.read().decode(), refused.geturl()
        self.seen.append(text)
        return text, place

    def log_in(self, url: str, cancel: bool = False) -> str:
        """Fills in what is asked until no page asks any more; the last one."""
        text, place = self.get(url)
        for _ in range(PAGES_MAX):
            page = Page(text)
            abort = [link for link in page.links if link.endswith("/abort")]
            if cancel and abort:
                text, place = self.get(urllib.parse.urljoin(place, abort[0]))
                continue
            if page.action is None:
                return text
            fields = dict(page.fields)
            fields.pop("abort", None)
            for name, value in (("login", self.user), ("password", "any")):
                if name in fields:
                    fields[name] = value
            text, place = self.get(urllib.parse.urljoin(place, page.action), fields)
        raise AssertionError(f"the pages have no end: {self.seen[-2:]}")
