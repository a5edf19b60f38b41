"""DanQ for tfbs-hub: convolution, maximum pooling, a bidirectional LSTM and a dense layer."""
