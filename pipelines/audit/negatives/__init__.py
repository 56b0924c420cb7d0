"""Every staged negative beside the logs, read again: shown, cut, and as likely as it says."""
