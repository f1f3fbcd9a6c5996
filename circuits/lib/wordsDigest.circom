pragma circom 2.2.0;

// digest = sum of word[i]·point^(i+1), by Horner: a digest of n words that a contract computes as cheaply as this. When the point is
// hashed from claimed words, after the true ones were fixed elsewhere, the digests agree only if the words do (n roots among r points).
// Inputs: any field elements. Cost: n.
template WordsDigest(n) {
    signal input word[n];
    signal input point;
    signal output digest;

    signal partial[n + 1];
    partial[n] <== 0;
    for (var i = n - 1; i >= 0; i--) {
        partial[i] <== (partial[i + 1] + word[i]) * point;
    }
    digest <== partial[0];
}
