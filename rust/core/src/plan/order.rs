//! The order of offers: by client and channel, in time that grows with their number alone.

use crate::error::{Error, Result};

/// The rows of offers by client and channel, and the places in that order where offers are of the
/// same client and channel as their neighbour: these are in the order of their rows. O(offers).
///
/// # Errors
/// If columns differ in length, or clients are not numbered from 0 without gaps.
///
/// # Examples
///
/// ```
/// use grc_core::plan::order_of_offers;
/// let (order, tied) = order_of_offers(&[1, 0, 1, 0], &[0, 1, 0, 0])?;
/// assert_eq!((order, tied), (vec![3, 1, 0, 2], vec![2, 3]));
/// # Ok::<(), grc_core::Error>(())
/// ```
pub fn order_of_offers(client: &[u32], channel: &[u8]) -> Result<(Vec<u32>, Vec<u32>)> {
    let clients = client.iter().max().map_or(0, |last| *last as usize + 1);
    if channel.len() != client.len() || clients > client.len() {
        return Err(Error::Data(
            "offers need a channel each, and clients that are numbered from 0 without gaps"
                .to_owned(),
        ));
    }
    let mut ends = vec![0_u32; clients];
    client.iter().for_each(|client| ends[*client as usize] += 1);
    let mut sum = 0;
    for end in &mut ends {
        // Where a client begins; it moves to the end as rows are placed.
        (*end, sum) = (sum, sum + *end);
    }
    let mut order = vec![0; client.len()];
    for (row, client) in client.iter().enumerate() {
        let place = &mut ends[*client as usize];
        order[*place as usize] = row as u32;
        *place += 1;
    }
    let (mut tied, mut begin) = (Vec::new(), 0);
    for end in ends {
        let of_client = &mut order[begin as usize..end as usize];
        of_client.sort_by_key(|row| channel[*row as usize]);
        for (place, pair) in (begin..).zip(of_client.windows(2)) {
            if channel[pair[0] as usize] == channel[pair[1] as usize] {
                if tied.last() != Some(&place) {
                    tied.push(place);
                }
                tied.push(place + 1);
            }
        }
        begin = end;
    }
    Ok((order, tied))
}
