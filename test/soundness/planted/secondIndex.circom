pragma circom 2.2.0;

include "circuits/lib/range.circom";

// A place in a table of rows of eight: with four bits for the column, place 8 is row 1 column 0 and row 0 column 8.
template Planted() {
    signal input place;
    signal output row;
    signal output column;

    row <-- place \ 8;
    column <-- place % 8;
    place === 8 * row + column;
    Range(10)(row);
    Range(4)(column);
}

template Clean() {
    signal input place;
    signal output row;
    signal output column;

    row <-- place \ 8;
    column <-- place % 8;
    place === 8 * row + column;
    Range(10)(row);
    Range(3)(column);
}
