"""The pages, as a visible list; each is a module with `serves`, `layout` and `register`."""

from dashboard.pages import overview, service, topology
from dashboard.shell import Page

PAGES: tuple[Page, ...] = (overview, topology, service)
