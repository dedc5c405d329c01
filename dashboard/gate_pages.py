"""The two pages that the gate itself answers with: sign in, and the bounce after it."""

import html
from string import Template

# Light and dark by the browser's own setting: no script runs before sign-in.
_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>$title · Tulle</title>
<meta name="viewport" content="width=device-width, initial-scale=1">$refresh
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 30rem; margin: 12vh auto; padding: 0 1rem;
       background: light-dark(#fff, #16181d); color: light-dark(#1b1f27, #e6e8ec); }
label, input, button { display: block; font: inherit; width: 100%; box-sizing: border-box; }
input, button { margin-top: .4rem; padding: .6rem .8rem; border-radius: .4rem;
                border: 1px solid light-dark(#6b7280, #9aa3af); }
button { margin-top: 1rem; background: #00795b; border-color: #00795b; color: #fff; cursor: pointer; }
.error { color: light-dark(#b8341b, #ff7a5c); } code { font-size: .95em; }
</style></head><body><main>$body</main></body></html>""")

_SIGN_IN = Template("""<h1>Tulle dashboard</h1>
<p>Open the link that <code>tulle dashboard</code> printed when it started, or paste its token here.</p>
$error<form method="post" action="/sign-in">
<input type="hidden" name="next" value="$next">
<label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password">
<button type="submit">Sign in</button></form>""")


def sign_in_page(following: str, error: str = "") -> bytes:
    """The form; ``following`` is the path to open afterwards."""
    shown = f'<p class="error" role="alert">{html.escape(error)}</p>' if error else ""
    body = _SIGN_IN.substitute(error=shown, next=html.escape(following, quote=True))
    return _PAGE.substitute(title="Sign in", refresh="", body=body).encode()


def bounce_page(following: str) -> bytes:
    """Opens ``following`` from our own page.

    A redirect would not do: where another site began it, SameSite=Strict keeps the cookie from every hop.
    """
    target = html.escape(following, quote=True)
    refresh = f'<meta http-equiv="refresh" content="0;url={target}">'
    body = f'<p>Opening <a href="{target}">the dashboard</a> …</p>'
    return _PAGE.substitute(title="Opening", refresh=refresh, body=body).encode()
