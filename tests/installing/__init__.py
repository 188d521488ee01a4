"""How the suite is installed: the locks of requirements/, and the wheel in fresh environments."""
