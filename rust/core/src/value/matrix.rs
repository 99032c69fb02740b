//! Matrices of two to four rows: as much as the check of an optimum needs.

/// A square matrix, row by row.
pub type Matrix<const P: usize> = [[f64; P]; P];

/// The lower factor of a symmetric matrix, or None unless it is positive definite.
pub fn cholesky<const P: usize>(matrix: &Matrix<P>) -> Option<Matrix<P>> {
    let mut lower = [[0.0; P]; P];
    for row in 0..P {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| lower[row][k] * lower[column][k]).sum();
            let rest = matrix[row][column] - known;
            if row > column {
                lower[row][column] = rest / lower[column][column];
            } else if rest > f64::EPSILON * matrix[row][row].abs() {
                lower[row][row] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(lower)
}

/// The inverse of a symmetric matrix, or None unless it is positive definite: by Cholesky.
pub fn inverse_positive_definite<const P: usize>(matrix: &Matrix<P>) -> Option<Matrix<P>> {
    let lower = cholesky(matrix)?;
    let mut inverse = [[0.0; P]; P];
    for unit in 0..P {
        let mut column = [0.0; P];
        column[unit] = 1.0;
        for row in 0..P {
            let known: f64 = (0..row).map(|k| lower[row][k] * column[k]).sum();
            column[row] = (column[row] - known) / lower[row][row];
        }
        for row in (0..P).rev() {
            let known: f64 = (row + 1..P).map(|k| lower[k][row] * column[k]).sum();
            column[row] = (column[row] - known) / lower[row][row];
        }
        for row in 0..P {
            inverse[row][unit] = column[row];
        }
    }
    Some(inverse)
}

/// vᵀ M v.
pub fn quadratic_form<const P: usize>(matrix: &Matrix<P>, vector: &[f64; P]) -> f64 {
    (0..P).map(|i| (0..P).map(|j| vector[i] * matrix[i][j] * vector[j]).sum::<f64>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_inverse_inverts(parts in proptest::array::uniform16(-2.0..2.0_f64)) {
            let mut matrix = [[0.0; 4]; 4];
            for i in 0..4 {
                for j in 0..4 {
                    let square: f64 = (0..4).map(|k| parts[4 * i + k] * parts[4 * j + k]).sum();
                    matrix[i][j] = square + if i == j { 0.1 } else { 0.0 };
                }
            }
            let inverse = inverse_positive_definite(&matrix).unwrap();
            for i in 0..4 {
                for j in 0..4 {
                    let cell: f64 = (0..4).map(|k| matrix[i][k] * inverse[k][j]).sum();
                    let unit = f64::from(u8::from(i == j));
                    prop_assert!((cell - unit).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_has_no_inverse_here() {
        assert!(inverse_positive_definite(&[[1.0, 2.0], [2.0, 1.0]]).is_none());
        assert!(inverse_positive_definite(&[[1.0, 1.0], [1.0, 1.0]]).is_none());
        assert!(inverse_positive_definite(&[[0.0]]).is_none());
        assert!(inverse_positive_definite(&[[f64::NAN]]).is_none());
    }
}
