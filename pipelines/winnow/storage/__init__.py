"""Where logs and tables lie: folders of this machine, and prefixes of an object store."""
