"""Response sets, refusals, news and prompts of the testbed, in the roles of the paper's data sets.

`catalogue` says which sets there are, `stage` makes them (`rt testbed data NAME`), `curation_score` says how much of
what was planted in a dirty set its curation has found (`rt testbed curation`).
"""
