"""DNA sequences: reading them, holding them, cutting, shuffling, comparing and storing them.

alphabet   letters <-> uint8 codes (A 0, C 1, G 2, T 3, unknown 4)
dataset    SequenceDataset: equally long sequences in memory, with where they came from
batch      SequenceBatch: some sequences of any length, as readers hand them out
readers    read_batches() streams a file, load() holds it whole
seqgz, fasta, bed, text   one format each;  stream   bytes in, safely;  genome   windows of a genome
windows    fit_window(), fit_windows(), tile()
shuffle    exact dinucleotide shuffle;  negatives   kinds of negatives
overlap    KmerIndex: which sequences share a 32-mer on either strand
hdf5       SequenceDataset <-> HDF5
safe_hdf5  HDF5 written and read in this process;  foreign_hdf5   files from elsewhere, read in another one:
           hdf5_child is that process, hdf5_wire how they talk, hdf5_tree what they talk about
onehot     codes -> one-hot tensors; the only module here that imports torch
"""
