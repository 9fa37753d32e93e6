"""The app of three_stores.py with Dash's dev tools, as while developing."""

from three_stores import app

app.enable_dev_tools(debug=True, dev_tools_hot_reload=False, dev_tools_disable_version_check=True)
