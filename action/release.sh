#!/usr/bin/env bash
# The steps of .github/workflows/release.yml that are more than a line.
#
#   release.sh checksums DIST   writes DIST/SHA256SUMS and action/checksums.txt; the output `version`
#   release.sh publish DIST     commits action/checksums.txt on top of GITHUB_SHA, tags it vVERSION, and makes
#                               the release with the archives of DIST. Needs VERSION and GH_TOKEN, and `gh`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

checksums() {
  local dist=$1 version archive sum
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
  [ -n "$version" ] || { echo "::error::Cargo.toml has no version"; exit 1; }
  (cd "$dist" && sha256sum rolecall-*.tar.gz >SHA256SUMS)
  while read -r sum archive; do
    printf '%s %s %s\n' "$version" "$archive" "$sum"
  done <"$dist/SHA256SUMS" >>action/checksums.txt
  printf 'version=%s\n' "$version" >>"$GITHUB_OUTPUT"
  cat action/checksums.txt
}

# By the API, so that the commit is signed by GitHub and no token is kept on disk.
publish() {
  local dist=$1 tag=v${VERSION:?} repository=repos/$GITHUB_REPOSITORY base tree commit
  if gh api "$repository/git/ref/tags/$tag" --silent 2>/dev/null; then
    echo "::error::$tag is there already: raise the version in Cargo.toml"
    exit 1
  fi
  base=$(gh api "$repository/git/commits/$GITHUB_SHA" --jq .tree.sha)
  tree=$(gh api "$repository/git/trees" --raw-field "base_tree=$base" \
    --raw-field 'tree[][path]=action/checksums.txt' --raw-field 'tree[][mode]=100644' \
    --raw-field 'tree[][type]=blob' --field 'tree[][content]=@action/checksums.txt' --jq .sha)
  commit=$(gh api "$repository/git/commits" --raw-field "message=Checksums of $tag" \
    --raw-field "tree=$tree" --raw-field "parents[]=$GITHUB_SHA" --jq .sha)
  gh api "$repository/git/refs" --raw-field "ref=refs/tags/$tag" --raw-field "sha=$commit" --silent
  gh release create "$tag" --repo "$GITHUB_REPOSITORY" --verify-tag --title "$tag" \
    --notes "$(printf 'In workflows:\n\n    uses: %s@%s # %s\n\nTo check an archive by hand: gh attestation verify FILE --repo %s' \
      "$GITHUB_REPOSITORY" "$commit" "$tag" "$GITHUB_REPOSITORY")" \
    "$dist"/rolecall-*.tar.gz "$dist/SHA256SUMS"
}

case ${1:-} in
  checksums | publish) "$1" "${2:?the folder with the archives is missing}" ;;
  *) sed -n '2,7p' "$0"; exit 1 ;;
esac
