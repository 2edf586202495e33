"""The codes of result files, checkpoints and pictures, QEM85x and QEM861 on; QEM96x: what a calibration says."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Entry

CATALOGUE: dict[str, Entry] = {
    "QEM851": Entry(
        "no such folder",
        "The folder that the result should be written to does not exist.",
    ),
    "QEM852": Entry(
        "target is not a file",
        "A folder or a device stands where the result should be written.",
    ),
    "QEM853": Entry(
        "the file exists",
        "An existing file is replaced only when that is asked for.",
    ),
    "QEM854": Entry(
        "file cannot be written",
        "The operating system refused; the message gives its reason. A file that was there before is as it was.",
    ),
    "QEM855": Entry(
        "result file cannot be read",
        "The operating system refused; the message gives its reason.",
    ),
    "QEM856": Entry(
        "not a netCDF file",
        "A saved fit is a netCDF file, which is an HDF5 file.",
    ),
    "QEM857": Entry(
        "result file is damaged",
        "The file starts as a netCDF file, but cannot be read to its end.",
    ),
    "QEM858": Entry(
        "not the file of a fit",
        "The file is netCDF, but qemppl did not write it.",
    ),
    "QEM859": Entry(
        "result file of a newer version",
        "A later version of qemppl wrote the file, in a format that this one does not know.",
    ),
    "QEM861": Entry(
        "checkpoint cannot be read",
        "The operating system refused; the message gives its reason.",
    ),
    "QEM862": Entry(
        "not a checkpoint",
        "The file was not written by `qemppl fit --resume`, or by a version with another format. It was left as it is.",
    ),
    "QEM863": Entry(
        "checkpoint is damaged",
        "The checksum of the file is wrong, so parts of it are missing or have changed.",
    ),
    "QEM864": Entry(
        "checkpoint of another fit",
        "A fit continues exactly where it stopped, so the model, the data, the version, the seed and the settings of "
        "its iterations must be the same.",
    ),
    "QEM865": Entry(
        "start from a fit of other groups",
        "A fit can start from another one with the same latents, in the same groups and families, and with the same "
        "members of their plates.",
    ),
    "QEM871": Entry(
        "extra not installed",
        "Pictures are drawn by matplotlib, which is installed with qemppl only when that is asked for.",
    ),
    "QEM961": Entry(
        "ranks are not uniform",
        "True values rank among the draws of their fits as one of them would, if the fits are right. Ranks that stray too far say that the "
        "posterior is shifted, too narrow or too wide.",
    ),
    "QEM962": Entry(
        "simulated data could not be fitted",
        "A calibration says nothing about data for which there is no fit. Whether a fit fails depends on the data alone, so the ranks of "
        "the others are what they should be.",
    ),
}
