// SPDX-License-Identifier: MIT
#include "file_list.hpp"

#include "support/temp_dir.hpp"

#include <starflow/sdk/options.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace starflow::test {
namespace {

/// The names of the files that `patterns` give, relative to the folder.
std::vector<std::string> names(const TempDir& folder, const std::vector<std::string>& patterns) {
  std::vector<std::string> full;
  for (const std::string& p : patterns) full.push_back(folder / p);
  std::vector<std::string> out;
  for (const std::string& file : list_files(full, "paths").files)
    out.push_back(std::filesystem::relative(file, folder.path()).string());
  return out;
}

std::string refusal(const std::vector<std::string>& patterns) {
  try {
    (void)list_files(patterns, "paths");
  } catch (const OptionError& e) {
    EXPECT_EQ(e.option(), "paths");
    return e.what();
  }
  return {};
}

using Names = std::vector<std::string>;

TEST(NaturalOrder, ComparesNumbersAsNumbers) {
  EXPECT_TRUE(natural_less("frame_2", "frame_10"));
  EXPECT_FALSE(natural_less("frame_10", "frame_2"));
  EXPECT_TRUE(natural_less("frame_2_b", "frame_10_a"));
  EXPECT_TRUE(natural_less("a99999999999999999999998", "a99999999999999999999999"));
}

TEST(NaturalOrder, IsStrict) {
  EXPECT_FALSE(natural_less("a1", "a1"));
  EXPECT_NE(natural_less("a01", "a1"), natural_less("a1", "a01"));
  EXPECT_TRUE(natural_less("a", "a1"));
}

TEST(NaturalOrder, PutsAFolderBeforeNamesThatItBegins) { EXPECT_TRUE(natural_less("night/9.fits", "night-2/1.fits")); }

TEST(FileList, OrdersTheWholeListAndDropsDuplicates) {
  const TempDir folder;
  for (const char* name : {"f10.fits", "f2.fits", "f1.fits"}) folder.write(name, "x");
  EXPECT_EQ(names(folder, {"f10.fits", "f*.fits", ".", "f1.fits"}), (Names{"f1.fits", "f2.fits", "f10.fits"}));
}

TEST(FileList, TakesImagesOfAFolderAndCountsTheRest) {
  const TempDir folder;
  for (const char* name :
       {"a.FITS", "b.fit.gz", "c.png", "d.fts.fz", "notes.txt", "list.csv", ".hidden.fits", "sub/e.fits"})
    folder.write(name, "x");
  EXPECT_EQ(names(folder, {"."}), (Names{"a.FITS", "b.fit.gz", "c.png", "d.fts.fz"}));
  const FileList list = list_files({folder.path().string()}, "paths");
  ASSERT_EQ(list.notes.size(), 1U);
  EXPECT_NE(list.notes[0].find(": 3 files without a known image extension"), std::string::npos) << list.notes[0];
}

TEST(FileList, TriesWhateverIsNamedOrMatched) {
  const TempDir folder;
  folder.write("raw.dat", "x");
  folder.write("frame.xyz", "x");
  EXPECT_EQ(names(folder, {"raw.dat", "*.xyz"}), (Names{"frame.xyz", "raw.dat"}));
}

TEST(FileList, KnowsQuestionMarksClassesAndDeepGlobs) {
  const TempDir folder;
  for (const char* name : {"a1.fits", "a2.fits", "a10.fits", "n1/x/b.fits", "n2/b.fits"}) folder.write(name, "x");
  EXPECT_EQ(names(folder, {"a?.fits"}), (Names{"a1.fits", "a2.fits"}));
  EXPECT_EQ(names(folder, {"a[2-9].fits"}), (Names{"a2.fits"}));
  EXPECT_EQ(names(folder, {"n*/b.fits"}), (Names{"n2/b.fits"}));
  EXPECT_EQ(names(folder, {"**/b.fits"}), (Names{"n1/x/b.fits", "n2/b.fits"}));
  EXPECT_EQ(names(folder, {"**"}).size(), 5U);
}

TEST(FileList, OpensTheFoldersThatAGlobMatches) {
  const TempDir folder;
  for (const char* name : {"seq/a/1.fits", "seq/a/readme.md", "seq/b/2.png"}) folder.write(name, "x");
  EXPECT_EQ(names(folder, {"seq/*"}), (Names{"seq/a/1.fits", "seq/b/2.png"}));
}

TEST(FileList, TakesANameWithBracketsThatExists) {
  const TempDir folder;
  folder.write("a[1].fits", "x");
  EXPECT_EQ(names(folder, {"a[1].fits"}), (Names{"a[1].fits"}));
}

TEST(FileList, NamesTheGlobThatMatchesNothing) {
  const TempDir folder;
  const std::string glob = folder / "*.fits";
  EXPECT_EQ(refusal({glob}), glob + " matches no file");
}

TEST(FileList, PointsFromAnExtensionInBracketsToTheOption) {
  const TempDir folder;
  EXPECT_NE(refusal({folder.write("a.fits", "x") + "[1]"}).find("option hdu"), std::string::npos);
}

TEST(FileList, RefusesWhatIsMissing) {
  const TempDir folder;
  EXPECT_NE(refusal({folder / "absent.fits"}).find("absent.fits: no such file or folder"), std::string::npos);
  EXPECT_NE(refusal({folder / "absent/"}).find("no such file or folder"), std::string::npos);
  EXPECT_EQ(refusal({""}), "an empty path");
  EXPECT_NE(refusal({}).find("no input"), std::string::npos);
}

TEST(FileList, RefusesAFolderWithoutImages) {
  const TempDir folder;
  folder.write("notes.txt", "x");
  EXPECT_NE(refusal({folder.path().string()}).find("holds no files that look like images"), std::string::npos);
}

TEST(FileList, KeepsABrokenLinkForItsOwnError) {
  const TempDir folder;
  folder.write("a.fits", "x");
  std::filesystem::create_symlink("gone", folder.path() / "b.fits");
  EXPECT_EQ(names(folder, {"."}), (Names{"a.fits", "b.fits"}));
}

}  // namespace
}  // namespace starflow::test
