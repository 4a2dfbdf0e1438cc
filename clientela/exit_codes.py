"""The exit codes of every command: what a scheduler sees, and what each means.

Which error ends with which code is said at the error's class, in `errors`. No import here: the command loads it first.
"""

WELL = 0
INTERNAL_ERROR = 1
UNUSABLE = 2
INCOMPLETE = 3
NOT_PUBLISHED = 4
BUSY = 5
SILENT = 6
STOPPED = 7

EXIT_CODES = {
    WELL: "all is loaded and published, or there was nothing new",
    INTERNAL_ERROR: "an internal error; the stack trace says where",
    UNUSABLE: "the command line or the configuration is wrong; nothing was touched",
    INCOMPLETE: "published, but a batch that is not required was refused, a source is stale or the report could not be written",
    NOT_PUBLISHED: "not published, as after the refusal of a required batch; the published file is as it was",
    BUSY: "another run is under way",
    SILENT: "no run has ended within max_silence (`status` only)",
    STOPPED: "stopped by a signal; the published file is as it was",
}
