"""The end-to-end harness: real Dash apps, a real Caddy, a real browser, each in its own process.

Importing the package imports nothing: an app of an old Dash version is served by an environment that has no browser.
"""
