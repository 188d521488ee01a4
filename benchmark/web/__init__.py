"""Pages on which people decide: the curation of clips and the human study.

Two small servers with one frame: `serving.py` starts either and holds its folder, `database.py` keeps what is answered,
`security.py` stands before every request, `tokens.py` names things without telling what they are, and `files.py` sends
media. The modules here need the extra `web`; verbs import them when they are used.
"""
